PYTHON ?= python3
BIN := .venv/bin
DEMO := demo-workspace
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: demo test test-all check install format clean

install: .venv/.installed

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,serve]'
	$(BIN)/python -m compileall -q encoders index multimodal_rec
	touch $@

demo: install
	$(BIN)/multimodal-rec build sample_data/items.jsonl --interactions sample_data/interactions.csv --workspace $(DEMO)
	@echo; $(BIN)/multimodal-rec recommend --workspace $(DEMO) --user ada -k 6 --html $(DEMO)/for-ada.html
	@echo; $(BIN)/multimodal-rec search --workspace $(DEMO) --image sample_data/queries/snow.jpg -k 6 --html $(DEMO)/like-snow.html
	@echo; $(BIN)/multimodal-rec search --workspace $(DEMO) --text "a quiet film about the sea" -k 6 --html $(DEMO)/quiet-sea.html
	@echo; echo "Open these in a browser: $(DEMO)/for-ada.html $(DEMO)/like-snow.html $(DEMO)/quiet-sea.html"
	@echo; echo "Or look around in a browser: $(BIN)/multimodal-rec serve --workspace $(DEMO), then open http://127.0.0.1:8000/ui"

test: install
	$(BIN)/pytest -m 'not slow'

test-all: install
	$(BIN)/pytest

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv $(DEMO)
