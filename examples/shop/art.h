/*
 * art.h - a picture for every product, drawn by this program.
 *
 * Owner:   appends to the caller's text
 * Threads: stateless
 */
#ifndef SHOP_ART_H
#define SHOP_ART_H

#include "text.h"

/* An SVG document; false (and nothing appended) for a product that has no picture. */
bool shop_art_draw(struct shop_text *out, int64_t product_id);
/* The shop's own sign, also used as favicon. */
void shop_art_sign_draw(struct shop_text *out);
/* How many pieces are in the cart, as a small badge for the page head. */
void shop_art_badge_draw(struct shop_text *out, int64_t piece_count);

#endif
