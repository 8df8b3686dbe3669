"""The worlds of the catalogue, each a routine that paints a view of it."""

from collections.abc import Callable

from canvas import Canvas
from scenery import Look

from worlds.balloons import balloons
from worlds.city import city
from worlds.desert import desert
from worlds.football import football
from worlds.forest import forest
from worlds.horror import horror
from worlds.kitchen import kitchen
from worlds.mountains import mountains
from worlds.reef import reef
from worlds.sea import sea
from worlds.space import space
from worlds.stage import stage
from worlds.trains import trains

WORLDS: dict[str, Callable[[Canvas, Look], None]] = {
    "sea": sea,
    "mountains": mountains,
    "desert": desert,
    "forest": forest,
    "space": space,
    "reef": reef,
    "balloons": balloons,
    "city": city,
    "kitchen": kitchen,
    "trains": trains,
    "horror": horror,
    "football": football,
    "stage": stage,
}
