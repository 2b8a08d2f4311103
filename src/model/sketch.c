/* The parts of the sketch that are not on every request's path. */
#include "model/sketch.h"

#include <string.h>

enum { WIDTH_MIN = 128, PERIOD_ENTRIES = 10 };

uint64_t nw_model_sketch_width(uint64_t entries)
{
    uint64_t width = WIDTH_MIN;
    while (width < NW_MODEL_SKETCH_WIDTH_MAX && width / 2 < entries)
        width *= 2;
    return width;
}

uint64_t nw_model_sketch_bytes(uint64_t entries)
{
    return NW_MODEL_SKETCH_ROWS * nw_model_sketch_width(entries) / 2;
}

void nw_model_sketch_init(struct nw_model_sketch *out, uint64_t entries, char *memory)
{
    *out = (struct nw_model_sketch){.width = nw_model_sketch_width(entries)};
    out->period = PERIOD_ENTRIES * (entries != 0 ? entries : 1);
    for (int row = 0; row < NW_MODEL_SKETCH_ROWS; row++)
        out->rows[row] = (uint8_t *)memory + (uint64_t)row * out->width / 2;
}

void nw_model_sketch_halve(struct nw_model_sketch *sketch)
{
    sketch->since = 0;
    uint64_t bytes = NW_MODEL_SKETCH_ROWS * sketch->width / 2;
    for (uint64_t i = 0; i < bytes; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, sketch->rows[0] + i, sizeof word);
        word = (word >> 1) & 0x7777777777777777ull;
        memcpy(sketch->rows[0] + i, &word, sizeof word);
    }
}
