/*
 * A number is shown with as many digits as somebody reads: a whole one without decimals, another
 * with one decimal from 100 on, two from 1 on, three significant ones below. A trailing zero stays
 * where it is the product of rounding ("463.0" was 462.96), because that is what it says; it goes
 * where the value is exact without it. Plain factors keep two decimals, "1.30", as on paper.
 */
#include "model/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"

#define TOLERANCE 1e-9

enum { NUMBER_MAX_BYTES = 64, AS_NEEDED = -1 };

const char *nw_model_unit_name(nw_model_unit unit)
{
    switch (unit) {
    case NW_MODEL_NUMBER:
    case NW_MODEL_COUNT: return "";
    case NW_MODEL_SECONDS: return "s";
    case NW_MODEL_PER_S: return "per_s";
    case NW_MODEL_BYTES: return "bytes";
    case NW_MODEL_BYTES_PER_S: return "bytes_per_s";
    case NW_MODEL_BITS_PER_S: return "bits_per_s";
    case NW_MODEL_RATIO: return "ratio";
    case NW_MODEL_MONEY: return "money";
    case NW_MODEL_MONEY_PER_H: return "money_per_h";
    case NW_MODEL_KM: return "km";
    }
    NW_ASSERT(!"a unit");
    return "";
}

double nw_model_ceil(double x)
{
    NW_ASSERT(isfinite(x));
    double nearest = round(x);
    return fabs(x - nearest) <= TOLERANCE * fabs(x) ? nearest : ceil(x);
}

bool nw_model_is_above(double a, double b)
{
    return a - b > TOLERANCE * fmax(fabs(a), fabs(b));
}

/* Nearer to x than anybody can see? Then decimals beyond it would all be zero. */
static bool is_same(double x, double y)
{
    return fabs(x - y) <= TOLERANCE * fabs(x);
}

static int decimals_of(double size)
{
    if (size >= 1e5)
        return 0;
    if (size >= 100)
        return 1;
    if (size >= 0.1)
        return 2;
    return 2 - (int)floor(log10(size));
}

/* The fewest decimals, `least` to `most`, that show the value exactly; else most. */
static int exact_decimals(double value, int least, int most)
{
    for (int decimals = least; decimals < most; decimals++) {
        double scale = pow(10, decimals);
        if (is_same(value, round(value * scale) / scale))
            return decimals;
    }
    return most;
}

static void add_digits(struct nw_text *out, double value, int decimals)
{
    char digits[NUMBER_MAX_BYTES];
    if (fabs(value) >= 1e15) {
        nw_text_addf(out, "%.6g", value);
        return;
    }
    int length = snprintf(digits, sizeof digits, "%.*f", decimals, fabs(value));
    NW_ASSERT(length > 0 && length < NUMBER_MAX_BYTES);
    int whole = (int)strcspn(digits, ".");
    if (value < 0 && strspn(digits, "0.") < (size_t)length)
        nw_text_add_char(out, '-');
    for (int i = 0; i < length; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0)
            nw_text_add_char(out, ',');
        nw_text_add_char(out, digits[i]);
    }
}

/*
 * `least`: decimals of a value that is not whole (money and factors have two). `places`: decimals
 * whatever the value, or AS_NEEDED; so in all of these.
 */
static void add_number(struct nw_text *out, double value, int least, int places)
{
    double size = fabs(value);
    if (places != AS_NEEDED) {
        add_digits(out, value, places);
        return;
    }
    if (size < 1e-15 || is_same(value, round(value))) {
        add_digits(out, value, 0);
        return;
    }
    int most = decimals_of(size);
    add_digits(out, value, exact_decimals(value, least < most ? least : most, most));
}

/* 95%, 99.98%, and near 100 as many nines as there are, with three digits of what is missing. */
static void add_ratio(struct nw_text *out, double value, int places)
{
    double percent = value * 100, missing = 100 - percent;
    int most = fabs(percent) >= 10 ? 2 : fabs(percent) >= 1 ? 3 : 4;
    if (missing > 0 && missing < 1)
        most = 2 - (int)floor(log10(missing));
    if (most > 12)
        most = 12;
    add_digits(out, percent, places != AS_NEEDED ? places : exact_decimals(percent, 0, most));
    nw_text_add_char(out, '%');
}

static void add_seconds(struct nw_text *out, double value, int places)
{
    static const struct {
        double below, size;
        const char *name;
    } scales[] = {{1e-6, 1e-9, "ns"}, {1e-3, 1e-6, "us"},  {1, 1e-3, "ms"},       {120, 1, "s"},
                  {3600, 60, "min"},  {172800, 3600, "h"}, {INFINITY, 86400, "d"}};
    double size = fabs(value);
    size_t i = 0;
    if (size == 0)
        i = 3;
    /* By what will be shown: 0.9999999999 s is 1 s. */
    while (size > 0 && size >= scales[i].below * (1 - TOLERANCE))
        i++;
    add_number(out, value / scales[i].size, 0, places);
    nw_text_addf(out, " %s", scales[i].name);
}

/* 1,000 of one are one of the next. */
static void add_decimal(struct nw_text *out, double value, const char *const names[6], int places)
{
    size_t i = 0;
    while (i < 5 && fabs(value) >= 1000 * (1 - TOLERANCE)) {
        value /= 1000;
        i++;
    }
    add_number(out, value, 0, places);
    nw_text_addf(out, " %s", names[i]);
}

/* What happens less than once in 20 s is told by the day. */
static void add_rate(struct nw_text *out, double value, int places)
{
    bool is_daily = value != 0 && fabs(value) < 0.05;
    add_number(out, is_daily ? value * NW_MODEL_DAY_S : value, 0, places);
    nw_text_add_str(out, is_daily ? "/d" : "/s");
}

static void add_money(struct nw_text *out, double value, const char *currency, const char *per,
                      int places)
{
    bool is_whole = is_same(value, round(value)) || fabs(value) >= 1e6;
    int decimals = decimals_of(fmax(fabs(value), 1e-15));
    int own = is_whole ? 0 : decimals > 2 ? decimals : 2;
    add_digits(out, value, places != AS_NEEDED ? places : own);
    if (currency && currency[0])
        nw_text_addf(out, " %s", currency);
    nw_text_add_str(out, per);
}

static void print(struct nw_text *out, double value, nw_model_unit unit, const char *currency,
                  int places)
{
    static const char *const bytes[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    static const char *const byte_rates[] = {"B/s", "KB/s", "MB/s", "GB/s", "TB/s", "PB/s"};
    static const char *const bit_rates[] = {"bit/s",  "kbit/s", "Mbit/s",
                                            "Gbit/s", "Tbit/s", "Pbit/s"};
    NW_ASSERT(isfinite(value));
    switch (unit) {
    case NW_MODEL_NUMBER: add_number(out, value, 2, places); break;
    case NW_MODEL_COUNT: add_number(out, value, 0, places); break;
    case NW_MODEL_SECONDS: add_seconds(out, value, places); break;
    case NW_MODEL_PER_S: add_rate(out, value, places); break;
    case NW_MODEL_BYTES: add_decimal(out, value, bytes, places); break;
    case NW_MODEL_BYTES_PER_S: add_decimal(out, value, byte_rates, places); break;
    case NW_MODEL_BITS_PER_S: add_decimal(out, value, bit_rates, places); break;
    case NW_MODEL_RATIO: add_ratio(out, value, places); break;
    case NW_MODEL_MONEY: add_money(out, value, currency, "", places); break;
    case NW_MODEL_MONEY_PER_H: add_money(out, value, currency, "/h", places); break;
    case NW_MODEL_KM:
        add_number(out, value, 0, places);
        nw_text_add_str(out, " km");
        break;
    }
}

void nw_model_unit_print(struct nw_text *out, double value, nw_model_unit unit,
                         const char *currency)
{
    print(out, value, unit, currency, AS_NEEDED);
}

void nw_model_unit_print_places(struct nw_text *out, double value, nw_model_unit unit,
                                const char *currency, int places)
{
    NW_ASSERT(places >= 0 && places <= 12);
    print(out, value, unit, currency, places);
}
