#!/usr/bin/python3
"""embed.py IN OUT: write a text file as a C string named shop_style."""
import json
import sys

with open(sys.argv[1], encoding="ascii") as source:
    lines = source.read().splitlines()
with open(sys.argv[2], "w", encoding="ascii") as out:
    out.write('#include "style.h"\n\nconst char shop_style[] =\n')
    for line in lines:
        out.write("    " + json.dumps(line + "\n") + "\n")
    out.write("    ;\n")
