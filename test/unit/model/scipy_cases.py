#!/usr/bin/python3
"""Writes scipy_cases.h: what scipy says, for the tests of the models. Needs python3-scipy.

    /usr/bin/python3 test/unit/model/scipy_cases.py

The unit tests read the table, so they need no scipy. Data are drawn from a fixed seed: the same
scipy writes the same file.
"""

import pathlib

import numpy
import scipy
from scipy import optimize, stats

FREEDOMS = [1, 2, 3, 4.5, 9, 31, 99, 397, 1000]
PARTS = [1e-9, 0.001, 0.025, 0.2, 0.4, 0.7, 0.95, 0.975, 0.995]
# N, and what a fit of it can bear: points up to 1,000 nodes, repeats, gaps.
SHAPES = [
    [1, 2, 4, 8, 16, 24, 32, 48, 64],
    [1, 2, 3, 4, 6, 8, 12, 16],
    [1, 1, 2, 2, 4, 4, 8, 8, 16, 16, 32, 32],
    [2, 5, 10, 20, 50, 100, 200],
    [1, 10, 100, 400, 700, 1000],
]


def law(n, gamma, alpha, beta):
    return gamma * n / (1 + alpha * (n - 1) + beta * n * (n - 1))


def fit(n, x, start):
    """curve_fit on relative residuals with alpha, beta >= 0; what ends at a bound is set to it."""
    exact = {"sigma": x, "ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15, "max_nfev": 100000}
    found, _ = optimize.curve_fit(law, n, x, start, bounds=([0, 0, 0], numpy.inf),
                                  x_scale=numpy.maximum(start, 1e-6), **exact)
    found = numpy.maximum(found, [0, 1e-3, 1e-6])  # whoever starts at a bound never leaves it
    best = None
    for free in ([0, 1, 2], [0, 2], [0, 1], [0]):
        def part(at, *values, free=free):
            whole = numpy.zeros(3)
            whole[free] = values
            return law(at, *whole)
        some, _ = optimize.curve_fit(part, n, x, found[free], method="lm", sigma=x, ftol=1e-15,
                                     xtol=1e-15, gtol=1e-15, maxfev=100000)
        whole = numpy.zeros(3)
        whole[free] = some
        if (whole < 0).any():
            continue
        squares = (((law(n, *whole) - x) / x) ** 2).sum()
        if best is None or squares < best[0]:
            best = squares, whole
    return best[1]


def laws():
    rng = numpy.random.default_rng(5)
    for i in range(50):
        n = numpy.array(SHAPES[i % len(SHAPES)], dtype=float)
        gamma = 10 ** rng.uniform(0, 5)
        alpha = rng.uniform(0, 0.2) if i % 7 else 0
        beta = 10 ** rng.uniform(-6, -2) if i % 4 else 0
        noise = rng.uniform(0.005, 0.05)
        x = law(n, gamma, alpha, beta) * (1 + noise * rng.standard_normal(len(n)))
        yield n, x, fit(n, x, [gamma, max(alpha, 1e-3), max(beta, 1e-6)])


def main():
    out = ["/*", f" * scipy_cases.h - written by scipy_cases.py with scipy {scipy.__version__}.", " */",
           "#ifndef NW_TEST_UNIT_MODEL_SCIPY_CASES_H", "#define NW_TEST_UNIT_MODEL_SCIPY_CASES_H", "",
           "#include <stddef.h>", "", '#include "base/compiler.h"', "",
           "struct scipy_student {", "    double t, freedom, part;", "};", "",
           "/* stats.t.cdf */",
           "NW_UNUSED static const struct scipy_student scipy_student[] = {"]
    for freedom in FREEDOMS:
        for t in (-40, -3, -1.1, -0.01, 0.4, 1.7, 2.6, 7):
            out.append(f"    {{{t!r}, {freedom!r}, {float(stats.t.cdf(t, freedom))!r}}},")
    # stats.t.ppf of scipy 1.10 stops two to three digits before its cdf.
    out += ["};", "", "/* Roots of stats.t.cdf and .sf by brentq. */",
            "NW_UNUSED static const struct scipy_student scipy_student_quantile[] = {"]
    for freedom in FREEDOMS:
        for part in PARTS:
            tail = min(part, 1 - part)
            t = optimize.brentq(lambda u, tail=tail, freedom=freedom:
                                stats.t.sf(numpy.exp(u), freedom) - tail,
                                -5, 30, xtol=1e-15, rtol=1e-15)
            t = float(numpy.exp(t)) * (1 if part > 0.5 else -1)
            out.append(f"    {{{t!r}, {freedom!r}, {part!r}}},")
    out += ["};", "", "struct scipy_law {", "    double gamma, alpha, beta;",
            "    size_t count;", "    double points[12][2]; /* N, X */", "};", "",
            "/* optimize.curve_fit with sigma = X and alpha, beta >= 0. */",
            "NW_UNUSED static const struct scipy_law scipy_laws[] = {"]
    for n, x, (gamma, alpha, beta) in laws():
        out.append(f"    {{{float(gamma)!r}, {float(alpha)!r}, {float(beta)!r}, {len(n)},")
        out.append("     {" + ",\n      ".join(f"{{{a:g}, {b!r}}}" for a, b in zip(n, x.tolist())) + "}},")
    out += ["};", "", "#endif", ""]
    pathlib.Path(__file__).with_name("scipy_cases.h").write_text("\n".join(out), encoding="ascii")


if __name__ == "__main__":
    main()
