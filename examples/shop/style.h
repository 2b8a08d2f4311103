/*
 * style.h - style.css, embedded by embed.py at build time.
 *
 * Owner:   a constant
 * Threads: a constant
 */
#ifndef SHOP_STYLE_H
#define SHOP_STYLE_H

extern const char shop_style[];

#endif
