"""What a command reported, in its forms, and whether they carry the same numbers."""

import html.parser
import json


class Page(html.parser.HTMLParser):
    """The numbers of a page, as `data-name` and `data-value` have them, and its texts."""

    def __init__(self, text):
        super().__init__()
        self.numbers, self.tables, self.words, self.open = {}, {}, [], []
        self.table = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "table":
            self.table = self.tables.setdefault(given["data-name"], []) if "data-name" in given else None
        elif tag == "tr" and self.table is not None:
            self.table.append([])
        elif "data-value" in given and "data-name" in given:
            self.numbers[given["data-name"]] = float(given["data-value"])
        elif "data-value" in given and self.table is not None:
            self.table[-1].append(float(given["data-value"]))

    def handle_data(self, data):
        self.words.append(data)


def numbers_of(tree, path=""):
    """Every number of the JSON by its dotted name, tables and charts left out; of steps the result."""
    found = {}
    for name, value in tree.items():
        own = f"{path}{name}"
        if isinstance(value, dict) and "series" not in value and "rows" not in value:
            found.update(numbers_of(value, own + "."))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found[own] = float(value)
        elif isinstance(value, list):
            for step in value:
                if isinstance(step, dict) and step.get("exact") is not None:
                    found[step["path"]] = float(step["rounded"])
    return found


def assert_same_numbers(json_text, html_text):
    """What the page shows is what the JSON has, digit by digit. Returns how many numbers that were."""
    tree, page = json.loads(json_text), Page(html_text)
    numbers = numbers_of(tree)
    wrong = {name: (value, numbers.get(name)) for name, value in page.numbers.items()
             if numbers.get(name) != value}
    assert not wrong, wrong
    for name, rows in page.tables.items():
        wanted = [[float(cell) for cell in row.values() if isinstance(cell, (int, float))]
                  for row in tree[name]]
        for shown, row in zip([row for row in rows if row], [row for row in wanted if row]):
            assert set(shown) <= set(row), (name, shown, row)
    return len(page.numbers)
