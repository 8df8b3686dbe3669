"""The catalogue of a streaming service that does not exist, as plain data.

The first word of a view is the world that a title belongs to; the other words say what its picture shows.
A clip is a list of views too, one a shot. A title that has neither a still nor a clip shows only its words.
"""

from typing import NamedTuple


class Title(NamedTuple):
    """One thing to watch."""

    title: str
    description: str
    categories: str
    year: int
    language: str
    minutes: int
    view: str
    clip: tuple[str, ...] = ()
    still: bool = True


TITLES = (
    # The sea
    Title("The Last Keeper", "Forty years after the lamp was automated, Maren still climbs the 212 steps each evening. When the mainland sends a buyer for the tower, she has one winter to prove that someone is needed there.", "Drama, Sea", 2021, "Norwegian", 108, "sea dusk lighthouse", ("sea dusk lighthouse", "sea gold waves", "sea dusk sail")),
    Title("Fog Signal", "Three ships answer a horn that was switched off in 1974. A radio operator on a bare Atlantic rock starts to write down who is calling.", "Mystery, Sea", 2019, "English", 97, "sea night lighthouse"),
    Title("Herring Season", "A year aboard one of the last family trawlers in the Faroes, from the first frozen ropes to the empty quota sheet. No narrator, much weather.", "Documentary, Sea", 2023, "Faroese", 84, "sea gold ship"),
    Title("Regatta", "Two sisters inherit half a yacht each and enter a race that neither of them can sail alone.", "Comedy, Sea", 2020, "Italian", 101, "sea day sail"),
    Title("Nine Metres of Swell", "Surf photographers wait eleven days in a car park in Nazaré for a wave that lasts nineteen seconds.", "Documentary, Sea", 2024, "Portuguese", 76, "sea grey waves"),
    Title("White Cliffs, Black Ink", "A schoolteacher finds the diary of a smuggler and walks his coast cove by cove, half a step behind a man who died in 1803.", "Drama, Sea", 2018, "English", 112, "sea day cliffs"),
    Title("The Long Pier", "Every summer morning an old man and a boy who do not share a language fish from the same plank.", "Drama, Family, Sea", 2022, "French", 93, "sea dawn pier"),
    Title("Tidal", "Eight essays on the pull of the moon: oyster beds, flood gates, a swimmer who crosses the Channel at night, and a town that moves its church uphill.", "Documentary, Series, Sea", 2025, "Dutch", 47, "sea", still=False),
    # Mountains
    Title("The Col", "Four guides rope up for the route that killed their teacher. The film never leaves the mountain and hardly leaves the rope.", "Adventure, Mountains", 2022, "French", 99, "mountains gold climbers"),
    Title("Hut Warden", "From June to October Vreni cooks for eighty walkers at 2,900 metres, mends boots, forecasts storms and listens to everyone's reasons for coming up.", "Documentary, Mountains", 2021, "German", 81, "mountains dusk hut"),
    Title("Whiteout", "A snowplough driver loses the road, then his radio, then the certainty that the second set of tracks is his own.", "Thriller, Mountains", 2020, "Finnish", 94, "mountains grey snowfall", ("mountains grey snowfall", "mountains night hut snowfall", "mountains grey firs snowfall")),
    Title("Lake of the Bells", "Legend says that a drowned village still rings at Easter. A sound engineer arrives with hydrophones, and the village that did not drown would like her to leave.", "Mystery, Mountains", 2017, "Italian", 104, "mountains dawn lake"),
    Title("A Winter Without Wolves", "Rangers ski a border valley for a hundred days in search of one missing pack.", "Documentary, Mountains", 2023, "Polish", 88, "mountains day firs"),
    Title("Night at the Refuge", "Seven strangers, one stove, a locked door at the top of a pass. By breakfast two of them will be engaged and one will have confessed.", "Comedy, Mountains", 2019, "Spanish", 96, "mountains night hut"),
    Title("Seracs", "Glaciologists give a dying glacier the full medical: pulse, temperature, a lung scan from the air. Then they stay for the funeral.", "Documentary, Mountains", 2024, "English", 72, "mountains day"),
    Title("The Avalanche Dog", "Too nervous for the police and too big for the flat, Bruno gets one last trial: a rescue post above the tree line.", "Family, Adventure, Mountains", 2022, "German", 94, "mountains day hut firs"),
    # Desert
    Title("Salt Road", "The camel trains to Taoudenni still walk by night, steering by a star they call the Stubborn One. A grandmother makes her last crossing with a grandson who films everything.", "Documentary, Desert", 2022, "French", 90, "desert gold camels", ("desert gold camels", "desert dusk walker", "desert night tents")),
    Title("The Cartographer of Nothing", "Hired in 1911 to map an empty quarter, a timid surveyor finds that the dunes keep moving his borders and that he rather likes it.", "Drama, Desert", 2018, "English", 121, "desert dusk walker"),
    Title("Oasis No. 9", "Water rights, a stolen pump and a wedding: the farce of a very small village with one very good well.", "Comedy, Desert", 2021, "Arabic", 98, "desert day palms"),
    Title("Tents Under Orion", "Nomad families share the songs that carry a flock across two hundred kilometres of gravel. Recorded in the dark, best watched in it.", "Documentary, Music, Desert", 2020, "Arabic", 66, "desert night tents"),
    Title("Red Wind", "A lorry convoy, a week of sandstorm, a cargo nobody signed for.", "Thriller, Desert", 2023, "English", 103, "desert dusk palms"),
    Title("One Hundred Wells", "He promised his father to dig a hundred. He is seventy-one, and this is the ninety-eighth.", "Drama, Desert", 2016, "Hausa", 87, "desert day camels"),
    # Forest
    Title("Moss", "One square metre of old beech wood, filmed through four seasons with a macro lens. Slugs have never been so tense.", "Documentary, Slow TV, Forest", 2023, "German", 58, "forest spring stream"),
    Title("The Stag Year", "A retired gamekeeper tracks the same red deer each autumn and will not say what he means to do when he finds it.", "Drama, Forest", 2020, "Czech", 106, "forest autumn deer"),
    Title("Greenwood", "Twelve children, no teachers, a forest school that goes one afternoon too long.", "Adventure, Family, Forest", 2022, "English", 92, "forest spring path"),
    Title("Cabin, Lit", "A translator rents a cabin to finish a book about a cabin. Somebody has underlined the next page already.", "Mystery, Forest", 2021, "Swedish", 95, "forest moon cabin", ("forest moon cabin", "forest mist deer")),
    Title("Mycelium", "Beneath the pines runs an older network than ours. Foragers, chemists and one truffle pig explain what it trades and what it remembers.", "Documentary, Forest", 2024, "English", 79, "forest autumn mushrooms"),
    Title("The Charcoal Girls", "In the war winter of 1944 five sisters keep a charcoal stack burning for nine days, because of who is hidden behind the smoke.", "Drama, Forest", 2019, "Polish", 115, "forest mist"),
    Title("Bark and Bone", "Carvers, luthiers and boat builders choose a tree, ask its pardon and cut. A quiet series about timber that becomes something else.", "Documentary, Series, Forest", 2025, "Japanese", 41, "forest", still=False),
    # Space
    Title("Perihelion", "The comet returns every seventy-six years. So, it seems, does the argument between the two families who discovered it.", "Drama, Space", 2021, "English", 110, "space ice comet"),
    Title("Ring Keepers", "Maintenance crew Delta scrubs ice from the relay stations of Saturn. Then the ice starts to spell.", "Sci-Fi, Space", 2023, "English", 118, "space gas rings", ("space gas rings", "space ice rings station")),
    Title("Four Hundred Kilometres Up", "Six astronauts film their own mornings: hair washing, wheat growing, sixteen sunrises and the homesickness that comes after the tenth.", "Documentary, Space", 2022, "English", 86, "space earth close station", ("space earth close station", "space moon")),
    Title("Tranquility Base Hotel Inspector", "The first hotel on the Moon has three rooms, one guest and a very thorough inspector.", "Comedy, Sci-Fi, Space", 2024, "English", 97, "space moon"),
    Title("Red Soil", "Colonist zero buries her husband on Mars and plants potatoes on the grave, against regulation 14.", "Drama, Sci-Fi, Space", 2020, "Russian", 124, "space red"),
    Title("The Storm That Never Ends", "A great spot has turned on Jupiter for at least 350 years. Its observers tell how you love something that would crush you.", "Documentary, Space", 2019, "English", 68, "space gas close"),
    Title("Message to a Blue World", "A probe built to listen for four years has now listened for forty. Its last engineer comes in on Thursdays.", "Documentary, Sci-Fi, Space", 2024, "English", 77, "space earth"),
    # Reef
    Title("City of Coral", "One night, once a year, under one moon, the whole reef spawns. Divers from nine countries have eleven minutes to film it.", "Documentary, Reef", 2023, "English", 74, "reef blue shoal", ("reef blue shoal", "reef green turtle", "reef deep jellyfish")),
    Title("Old Leatherback", "Tagged in 1989, she has swum the width of the Pacific fourteen times. This is the film of the fifteenth.", "Documentary, Family, Reef", 2021, "Spanish", 82, "reef green turtle"),
    Title("Anemone Street", "A clownfish with vertigo has to cross the open water. An animated comedy for people who also dislike the deep end.", "Comedy, Family, Reef", 2022, "English", 89, "reef blue clownfish"),
    Title("The Soft Machine", "Jellyfish have no brain, no heart and no bones, and they are winning. A hypnotic portrait, with a score for glass harp.", "Documentary, Slow TV, Reef", 2020, "Japanese", 63, "reef deep jellyfish"),
    Title("Breath", "A Bajau spear fisher can hold his for thirteen minutes. His daughter wants to be a pilot.", "Drama, Reef", 2018, "Indonesian", 102, "reef blue ray"),
    Title("Bleach", "Two marine biologists, married for twenty years, divide the house, the boat and the reef they spent their lives to save.", "Drama, Reef", 2024, "English", 109, "reef green shoal"),
    # Balloons
    Title("The Envelope", "A seamstress in Lyon sews, in secret, fourteen hundred square metres of silk. In 1784 that was still enough to leave.", "Drama, Adventure, Sky", 2021, "French", 113, "balloons dawn one"),
    Title("Cappadocia, 5 a.m.", "A hundred and sixty pilots, one valley and whatever the wind has decided. Filmed on a single morning from the first burner to the last champagne cork.", "Documentary, Sky", 2022, "Turkish", 70, "balloons gold spires", ("balloons gold spires", "balloons dawn one"), still=False),
    Title("Drift", "Two exes win a balloon ride and a fog bank. There is no steering and no way to leave.", "Comedy, Romance, Sky", 2023, "English", 91, "balloons day lake two"),
    Title("Cloud Atlas for Beginners", "A shy meteorologist teaches the sky to a class of nine-year-olds, one cloud an episode.", "Family, Series, Sky", 2019, "Danish", 26, "balloons day clouds"),
    Title("Night Glow", "Once a summer the balloonists of Albuquerque tether their craft and play them like an organ of light. A concert film without musicians.", "Music, Documentary, Sky", 2024, "English", 61, "balloons night"),
    Title("Eleven Thousand Metres", "In May 1931 a physicist and his assistant sealed themselves in an aluminium ball and rose. The valve rope jammed at once.", "Adventure, Sky", 2020, "German", 105, "balloons dusk two"),
    # City at night
    Title("Last Tram to Harbour Gate", "A night tram driver carries the same six passengers for years. On the final run before the line closes they talk for the first time.", "Drama, City", 2022, "Portuguese", 100, "city night street rain", ("city night street rain", "city night river moon")),
    Title("Thirty-First Floor", "A window cleaner sees a theft, or a proposal, or both. He has until the lift comes to decide.", "Thriller, City", 2021, "Korean", 98, "city night"),
    Title("Neon Requiem", "Hong Kong's last neon bender has one more sign to make and no electrician who will hang it.", "Documentary, City", 2023, "Cantonese", 77, "city dusk street"),
    Title("The Toll Collectors", "Four old friends plan to rob the bridge where they worked all their lives. They know everything about it except that it has gone cashless.", "Comedy, City", 2020, "English", 107, "city night bridge"),
    Title("Water Tank Serenade", "She practises the trombone on the roof after midnight, he hates the trombone. Eleven storeys, one summer, many complaints.", "Romance, Music, City", 2019, "Spanish", 94, "city night rooftop moon"),
    Title("Blackout 22:04", "The power fails for seventeen hours, and nine stories cross in the dark: a birth, a burglary, a chess game by phone light.", "Drama, City", 2024, "Turkish", 119, "city dusk river"),
    Title("The Insomniacs' Guide", "Bakers, nurses, taxi drivers and a man who winds the public clocks. A guide to who keeps a city going between two and five.", "Documentary, Series, City", 2025, "German", 44, "city", still=False),
    # Kitchen
    Title("Broth", "Mr. Sakai has kept one pot simmering since 1968. His three apprentices are no longer speaking, and the pot is all they have in common.", "Drama, Food", 2021, "Japanese", 103, "kitchen noodles slate steam"),
    Title("Sourdough Confidential", "A starter dies on the eve of the regional finals. Suspicion falls on everyone with warm hands.", "Comedy, Mystery, Food", 2023, "English", 88, "kitchen bread board"),
    Title("Margherita", "Naples, 1889: a baker, a queen, and the flour that built a myth. The historians cook as they argue.", "Documentary, Food", 2020, "Italian", 71, "kitchen pizza walnut", ("kitchen pizza walnut", "kitchen bread board", "kitchen citrus oak")),
    Title("Grandmothers' Soup", "Twenty grandmothers, twenty kitchens, one rule: no measuring. You will want a pencil and then a spoon.", "Documentary, Series, Food", 2022, "Georgian", 32, "kitchen soup steam linen"),
    Title("Berry Picking", "A summer job on a Swedish farm, a first love stained to the elbows, and a tart that comes out right only once.", "Romance, Food", 2019, "Swedish", 95, "kitchen tart marble"),
    Title("The Sunday Shift", "Breakfast service in a motorway diner, told in real time. Two hundred and four eggs, one resignation.", "Comedy, Food", 2024, "English", 84, "kitchen eggs oak"),
    Title("Knife, Rice, Silence", "At a counter for eight, a chef who has lost his hearing serves a menu that nobody needs to order.", "Drama, Food", 2018, "Japanese", 98, "kitchen sushi linen"),
    # Trains
    Title("The Viaduct", "Twenty-one arches, three hundred masons, one mistake in the drawings. A village waits for the first engine to cross.", "Drama, Railways", 2020, "English", 116, "trains gold viaduct steam green", ("trains gold viaduct steam green", "trains autumn dusk steam red")),
    Title("Sleeper to Varna", "Compartment 14 has been sold twice. She is leaving her husband, he is following his wife, and the border is at four.", "Romance, Mystery, Railways", 2022, "Bulgarian", 102, "trains night blue"),
    Title("Branch Line", "Volunteers lay nine miles of track back through Wales, one weekend and one argument about rivets at a time.", "Documentary, Railways", 2021, "Welsh", 78, "trains autumn dusk steam"),
    Title("Platform Three", "Everybody in the terminus waits for someone. The announcer, who sees all of them, decides to meddle.", "Comedy, Railways", 2023, "Italian", 97, "trains dawn station red"),
    Title("Bergen Line, Minute by Minute", "Seven hours from the fjord to the capital through a windscreen, at normal speed. The most exciting thing is a reindeer; it is enough.", "Slow TV, Documentary, Railways", 2019, "Norwegian", 436, "trains day snow viaduct steam red", ("trains day snow red", "trains day snow viaduct steam red")),
    Title("Signal at Danger", "A freight engine with no driver, eleven sets of points and a signalwoman on her first night alone.", "Thriller, Railways", 2024, "English", 93, "trains grey headon"),
    Title("The Dining Car", "Three courses, two countries, one murder between the fish and the cheese. The head waiter would prefer that nobody moved before coffee.", "Mystery, Railways", 2018, "French", 109, "trains dusk silver"),
    # Haunted house
    Title("Hollow Hill", "The Ashdowns bought the house for its light. It comes from the wrong side.", "Horror", 2022, "English", 99, "horror lightning rain", ("horror lightning rain", "horror moon graves"), still=False),
    Title("The Bell Under the Stairs", "In a house with no servants, someone rings for tea every night at 3:10. On the ninth night someone brings it.", "Horror, Mystery", 2019, "English", 96, "horror moon"),
    Title("Sexton", "A gravedigger notices that the churchyard has one stone more than the register, and that it is getting nearer to the house.", "Horror", 2021, "Irish", 91, "horror moon graves"),
    Title("Cold Spot", "Two sceptics with thermometers agree to spend a week in Lethe House. Their readings are excellent; their film ends on day five.", "Horror, Thriller", 2023, "English", 87, "horror lightning"),
    Title("Mother Thorn", "Every tree in the garden was planted on a birthday. The children know better than to grow tall.", "Horror", 2020, "Spanish", 100, "horror rain"),
    Title("The Landlady of Graves End", "A penniless vampire must take in lodgers. A comedy of manners, leases and garlic bread.", "Comedy, Horror", 2024, "English", 92, "horror lightning graves"),
    Title("Do Not Wind the Clock", "A radio play with the screen left almost black: six voices in a locked house, a key, and a tick that gets slower.", "Horror, Mystery", 2025, "English", 55, "horror", still=False),
    # Football
    Title("Injury Time", "Fourth division, ninety-third minute, a keeper with a broken thumb. The film spends an hour and a half on the next forty seconds.", "Drama, Football", 2021, "English", 95, "football night goal"),
    Title("The Away End", "Eleven supporters follow the worst team in the league to every match of a season and come home with better stories than the champions.", "Documentary, Football", 2023, "English", 85, "football day wide"),
    Title("Number Ten", "A gifted girl in Rosario plays under her brother's name until the scouts arrive for him.", "Drama, Family, Football", 2022, "Spanish", 107, "football day ball", ("football day ball", "football day goal", "football gold wide")),
    Title("Groundskeeper", "He has mown the same pitch for thirty-four years and never seen a match, because he looks at the grass.", "Documentary, Football", 2020, "German", 62, "football gold ball"),
    Title("Dusk Derby", "Two villages, one field, a grudge from 1953 and a referee who grew up in both.", "Comedy, Football", 2019, "Italian", 98, "football dusk goal"),
    Title("Rain Match", "Abandoned after seventy minutes, the final of 1962 is completed six decades later by the men who are still alive.", "Documentary, Football", 2024, "Serbian", 73, "football day goal rain"),
    Title("Floodlight Tuesday", "A women's team of nurses and bus drivers trains once a week, under lights that the council switches off at ten sharp.", "Comedy, Football", 2022, "English", 94, "football night wide"),
    # Stage
    Title("Encore at the Paradiso", "A band that broke up in a van in 1994 has one night, one stage and no drummer who is still talking to them.", "Comedy, Music", 2022, "Dutch", 104, "stage band"),
    Title("Her Left Hand", "After the stroke the pianist has one hand and a debut to repeat. The repertoire is larger than she feared.", "Drama, Music", 2021, "Polish", 111, "stage piano"),
    Title("Front Row", "Eight fans of the same singer, eight cities, one tour. A concert film that faces the wrong way and is right to.", "Documentary, Music", 2023, "Korean", 83, "stage singer confetti", ("stage singer confetti", "stage band confetti")),
    Title("Open Mic, Closed Bar", "Seven comedians perform for a bartender who never laughs. On the last night of the lease he takes the stage.", "Comedy, Music", 2020, "English", 90, "stage mic"),
    Title("Confetti", "The crew builds a city of light in nineteen hours and takes it down in six. Riggers, drivers and cooks on the road with a show they have never seen.", "Documentary, Music", 2024, "English", 80, "stage band confetti"),
    Title("The Understudy Sings", "Thirty-one performances in the wings; tonight the star's taxi has turned the wrong way.", "Drama, Music", 2019, "French", 101, "stage singer"),
    Title("B-Side", "Each episode plays one forgotten song from the back of a famous single and finds the people who made it in an afternoon.", "Documentary, Series, Music", 2025, "English", 29, "stage", still=False),
)

# Uploads that came without a word: an id and a view.
UNTITLED = {
    "upload-0107": "desert dawn",
    "upload-0231": "space ice rings station",
    "upload-0318": "reef deep turtle",
    "upload-0452": "balloons day",
    "upload-0519": "kitchen citrus board slate",
}

# Titles whose licence has run out.
UNAVAILABLE = {"one-hundred-wells", "red-soil", "rain-match"}

# Titles so new that nobody has watched them yet.
UNSEEN = {"mycelium", "message-to-a-blue-world", "the-insomniacs-guide", "bleach"}

# Pictures and clips to search with that are not in the catalogue: a name, the seed and the views.
QUERIES = {
    "sea-at-dusk.jpg": (9001, ("sea dusk lighthouse sail",)),
    "night-city.jpg": (9002, ("city night river",)),
    "snow.jpg": (9011, ("mountains day firs hut",)),
    "reef.webm": (9004, ("reef blue shoal turtle", "reef green clownfish")),
}
