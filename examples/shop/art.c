/*
 * Pictures that need no files: each product is one function of flat shapes on
 * a floor, and a palette gives its background, so the shelf looks like one
 * series. SVG compresses well and scales to any screen, and 24 different bodies
 * of about a kilobyte are a fair test for a cache.
 *
 * Coordinates are those of a 400 x 400 picture whose floor lies at y = 318.
 */
#include "art.h"

#include "seed.h"

struct palette {
    const char *back;
    const char *floor;
    const char *main;
    const char *dark;
    const char *light;
};

static const struct palette PALETTES[] = {
    {"#f3d9b8", "#e8c497", "#c8553d", "#7d3326", "#fdf3e3"},
    {"#cfdccb", "#b6cab1", "#3f6b4f", "#274634", "#f4f1e4"},
    {"#c9dbe3", "#aec8d4", "#31597a", "#1d3a52", "#f7f3e8"},
    {"#ead3d0", "#dcb9b5", "#9c4a5c", "#63293a", "#fbf1ea"},
    {"#e4dccb", "#d3c6ac", "#8a6a3f", "#563f22", "#fbf6ea"},
    {"#d8d3e3", "#c2bbd3", "#5a4f83", "#38305a", "#f6f2ee"},
};

typedef void picture(struct shop_text *out, const struct palette *p);

static void rect(struct shop_text *out, int x, int y, int w, int h, int r, const char *fill)
{
    shop_html(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\" fill=\"%s\"/>", x,
              y, w, h, r, fill);
}

static void circle(struct shop_text *out, int x, int y, int r, const char *fill)
{
    shop_html(out, "<circle cx=\"%d\" cy=\"%d\" r=\"%d\" fill=\"%s\"/>", x, y, r, fill);
}

static void shape(struct shop_text *out, const char *path, const char *fill)
{
    shop_html(out, "<path d=\"%s\" fill=\"%s\"/>", path, fill);
}

static void line(struct shop_text *out, const char *path, int width, const char *stroke)
{
    shop_html(out,
              "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%d\""
              " stroke-linecap=\"round\" stroke-linejoin=\"round\"/>",
              path, stroke, width);
}

static void shadow(struct shop_text *out, int half_width)
{
    shop_html(out,
              "<ellipse cx=\"200\" cy=\"320\" rx=\"%d\" ry=\"9\" fill=\"#000\" opacity=\".14\"/>",
              half_width);
}

static void glow(struct shop_text *out, const char *path)
{
    shop_html(out, "<path d=\"%s\" fill=\"#fff6cf\" opacity=\".6\"/>", path);
}

static void desk_lamp(struct shop_text *out, const struct palette *p)
{
    shadow(out, 96);
    glow(out, "M196 168 L292 210 L300 318 L110 318 Z");
    line(out, "M128 312 V228 L214 122", 9, p->dark);
    circle(out, 128, 228, 11, p->light);
    rect(out, 86, 304, 86, 14, 7, p->dark);
    shape(out, "M214 96 L250 112 Q306 146 296 214 L186 166 Q186 116 214 96 Z", p->main);
    circle(out, 240, 192, 17, p->light);
}

static void dome_lamp(struct shop_text *out, const struct palette *p)
{
    shadow(out, 84);
    glow(out, "M108 206 H292 L322 318 H78 Z");
    shape(out, "M188 206 H212 Q206 250 232 290 Q240 304 240 318 H160 Q160 304 168 290 Q194 250 188 "
               "206 Z", p->dark);
    shape(out, "M98 208 Q98 98 200 98 Q302 98 302 208 Z", p->main);
    line(out, "M134 184 Q140 134 180 122", 7, p->light);
}

static void lantern(struct shop_text *out, const struct palette *p)
{
    shadow(out, 92);
    line(out, "M150 130 Q150 66 200 66 Q250 66 250 130", 8, p->dark);
    shape(out, "M200 100 L270 142 H130 Z", p->main);
    rect(out, 136, 142, 128, 158, 10, p->light);
    glow(out, "M144 150 H256 V292 H144 Z");
    shape(out, "M200 186 Q226 224 216 246 Q208 262 200 262 Q192 262 184 246 Q176 220 200 186 Z",
          "#f0a33c");
    line(out, "M140 146 V296 M200 146 V176 M260 146 V296", 6, p->dark);
    rect(out, 124, 296, 152, 22, 6, p->main);
}

static void floor_lamp(struct shop_text *out, const struct palette *p)
{
    shadow(out, 74);
    glow(out, "M146 140 H254 L300 318 H100 Z");
    rect(out, 195, 130, 10, 180, 3, p->dark);
    shape(out, "M150 318 Q150 302 200 302 Q250 302 250 318 Z", p->dark);
    shape(out, "M152 62 H248 L264 142 H136 Z", p->main);
    line(out, "M170 78 L162 126", 6, p->light);
}

static void kitchen_chair(struct shop_text *out, const struct palette *p)
{
    shadow(out, 88);
    line(out, "M140 82 L132 316 M258 82 L262 216", 13, p->dark);
    line(out, "M140 104 Q198 90 258 104 M139 138 Q198 124 259 138 M138 172 Q198 158 259 172", 15,
         p->main);
    line(out, "M150 232 L146 316 M250 232 L266 316 M148 280 H258", 12, p->dark);
    shape(out, "M120 208 H270 Q282 208 282 220 V232 H112 V220 Q112 208 120 208 Z", p->main);
}

static void armchair(struct shop_text *out, const struct palette *p)
{
    shadow(out, 124);
    line(out, "M124 286 L116 316 M276 286 L284 316", 12, p->dark);
    shape(out, "M116 220 V138 Q116 96 160 96 H240 Q284 96 284 138 V220 Z", p->main);
    rect(out, 82, 176, 54, 116, 26, p->dark);
    rect(out, 264, 176, 54, 116, 26, p->dark);
    rect(out, 122, 224, 156, 66, 16, p->main);
    rect(out, 122, 206, 156, 42, 18, p->light);
    line(out, "M200 116 V190", 4, p->dark);
}

static void step_stool(struct shop_text *out, const struct palette *p)
{
    shadow(out, 112);
    line(out, "M158 142 L104 316 M240 142 L282 316", 16, p->dark);
    line(out, "M124 262 H270", 10, p->dark);
    rect(out, 92, 222, 140, 20, 6, p->main);
    rect(out, 132, 126, 140, 22, 6, p->main);
    rect(out, 178, 132, 48, 9, 4, p->dark);
}

static void bench(struct shop_text *out, const struct palette *p)
{
    shadow(out, 150);
    line(out, "M86 232 L78 316 M314 232 L322 316 M82 286 H318", 13, p->dark);
    rect(out, 56, 210, 288, 26, 8, p->main);
    rect(out, 74, 176, 150, 36, 16, p->light);
    line(out, "M100 182 V206 M130 182 V206 M160 182 V206 M190 182 V206", 4, p->main);
    shape(out, "M258 210 V176 Q258 168 270 170 L284 186 Q318 190 320 210 Z", p->dark);
}

static void mug(struct shop_text *out, const struct palette *p)
{
    shadow(out, 92);
    line(out, "M254 188 Q318 184 312 236 Q306 280 250 272", 20, p->main);
    shape(out, "M122 152 H264 V270 Q264 318 216 318 H170 Q122 318 122 270 Z", p->main);
    shape(out, "M122 226 Q160 206 193 226 T264 224 V270 Q264 318 216 318 H170 Q122 318 122 270 Z",
          p->light);
    shop_html(out, "<ellipse cx=\"193\" cy=\"152\" rx=\"71\" ry=\"15\" fill=\"%s\"/>", p->dark);
    line(out, "M166 122 Q152 100 168 82 M204 118 Q190 94 206 74", 7, p->light);
}

static void jug(struct shop_text *out, const struct palette *p)
{
    shadow(out, 84);
    line(out, "M246 132 Q322 124 306 200 Q296 240 250 252", 17, p->dark);
    shape(out, "M146 86 L132 78 Q126 96 150 124 Q152 160 134 196 Q112 240 126 288 Q134 318 164 318"
               " H234 Q266 318 272 288 Q284 238 260 196 Q246 160 252 86 Z", p->main);
    line(out, "M132 244 Q200 270 268 244", 8, p->light);
    line(out, "M128 266 Q200 292 272 266", 8, p->light);
}

static void bowl(struct shop_text *out, const struct palette *p)
{
    shadow(out, 80);
    shape(out, "M84 190 H316 Q312 318 226 318 H174 Q88 318 84 190 Z", p->main);
    shop_html(out, "<ellipse cx=\"200\" cy=\"190\" rx=\"116\" ry=\"26\" fill=\"%s\"/>", p->dark);
    shop_html(out, "<ellipse cx=\"200\" cy=\"194\" rx=\"98\" ry=\"18\" fill=\"#e0a44c\"/>");
    line(out, "M262 186 L336 118", 11, p->light);
    line(out, "M118 246 Q130 286 166 300", 7, p->light);
}

static void teapot(struct shop_text *out, const struct palette *p)
{
    shadow(out, 106);
    line(out, "M278 192 Q352 176 338 242 Q328 286 272 282", 16, p->dark);
    shape(out, "M136 262 Q88 250 82 184 L62 170 Q84 156 104 164 Q116 212 152 214 Z", p->main);
    shape(out, "M116 232 Q116 166 200 166 Q290 166 290 238 Q290 318 226 318 H180 Q116 318 116 232"
               " Z", p->main);
    shape(out, "M146 172 Q150 140 202 140 Q254 140 258 172 Z", p->dark);
    circle(out, 202, 128, 13, p->light);
    line(out, "M142 232 Q144 200 176 192", 7, p->light);
}

static void pot(struct shop_text *out, const struct palette *p, int half_width)
{
    shadow(out, half_width + 18);
    shop_html(out, "<path d=\"M%d 248 H%d L%d 318 H%d Z\" fill=\"%s\"/>", 200 - half_width,
              200 + half_width, 200 + half_width - 16, 200 - half_width + 16, p->main);
    rect(out, 200 - half_width - 8, 234, 2 * half_width + 16, 24, 5, p->dark);
}

static void monstera(struct shop_text *out, const struct palette *p)
{
    line(out, "M200 240 Q196 180 150 146 M200 240 Q206 170 258 126 M200 240 V120 M200 240 Q250 206 "
              "296 208 M200 240 Q150 210 108 214", 6, "#2f5b3c");
    shape(out, "M150 146 Q84 158 88 96 Q140 76 164 116 Q166 136 150 146 Z", "#3f7a50");
    shape(out, "M258 126 Q242 66 298 60 Q336 104 298 136 Q274 146 258 126 Z", "#3f7a50");
    shape(out, "M200 126 Q154 84 198 44 Q246 82 200 126 Z", "#4f9162");
    shape(out, "M292 208 Q288 164 336 170 Q352 214 314 224 Z", "#4f9162");
    shape(out, "M108 214 Q60 224 56 182 Q98 162 118 196 Z", "#4f9162");
    line(out, "M112 112 L150 142 M286 84 L262 122 M199 66 V118 M322 188 L298 206 M78 192 L106 210",
         3, "#dfeadb");
    pot(out, p, 58);
}

static void snake_plant(struct shop_text *out, const struct palette *p)
{
    shape(out, "M176 240 Q150 150 168 70 Q196 150 200 240 Z", "#3f7a50");
    shape(out, "M204 240 Q206 130 236 52 Q256 150 228 240 Z", "#4f9162");
    shape(out, "M158 240 Q118 176 122 112 Q166 166 184 240 Z", "#4f9162");
    shape(out, "M222 240 Q262 190 290 128 Q290 196 244 240 Z", "#3f7a50");
    line(out, "M170 104 Q180 160 188 232 M236 90 Q232 160 216 232 M130 138 Q156 180 172 234 M280 "
              "154 Q262 200 234 234", 3, "#d9d58f");
    pot(out, p, 52);
}

static void cactus(struct shop_text *out, const struct palette *p)
{
    line(out, "M200 240 V92", 54, "#4f9162");
    line(out, "M200 200 H132 V142 M200 172 H268 V122", 30, "#4f9162");
    line(out, "M188 98 V236 M212 98 V236 M132 146 V184 M268 126 V156", 3, "#2f5b3c");
    shape(out, "M200 66 L186 48 L198 54 L204 40 L210 54 L222 50 Z", "#e58a8a");
    circle(out, 268, 102, 8, "#e58a8a");
    pot(out, p, 50);
}

static void olive_tree(struct shop_text *out, const struct palette *p)
{
    line(out, "M200 240 Q194 200 202 160 M202 184 Q224 166 236 140 M200 200 Q178 176 166 150", 9,
         "#6d5638");
    circle(out, 158, 124, 46, "#6f8f63");
    circle(out, 242, 120, 48, "#7fa072");
    circle(out, 200, 88, 50, "#8cad7d");
    circle(out, 200, 134, 40, "#7fa072");
    static const int olives[][2] = {{150, 130}, {176, 92}, {214, 120}, {246, 98}, {262, 134},
                                    {198, 66},  {188, 150}};
    for (size_t i = 0; i < sizeof olives / sizeof olives[0]; i++)
        circle(out, olives[i][0], olives[i][1], 6, "#3c3a4e");
    pot(out, p, 56);
}

static void dial(struct shop_text *out, const struct palette *p, int x, int y, int r)
{
    circle(out, x, y, r, p->dark);
    circle(out, x, y, r - r / 8, p->light);
    shop_html(out,
              "<circle cx=\"%d\" cy=\"%d\" r=\"%d\" fill=\"none\" stroke=\"%s\" stroke-width=\"%d\""
              " stroke-dasharray=\"3 %f\" pathLength=\"120\"/>",
              x, y, r - r / 4, p->dark, r / 9, 7.0);
    shop_html(out,
              "<path d=\"M%d %d L%d %d M%d %d L%d %d\" stroke=\"%s\" stroke-width=\"%d\""
              " stroke-linecap=\"round\"/>",
              x, y, x - r * 3 / 10, y - r * 3 / 10, x, y, x + r / 4, y - r * 55 / 100, p->main,
              r / 13 + 2);
    circle(out, x, y, r / 12 + 2, p->main);
}

static void wall_clock(struct shop_text *out, const struct palette *p)
{
    shop_html(out, "<circle cx=\"206\" cy=\"190\" r=\"112\" fill=\"#000\" opacity=\".1\"/>");
    dial(out, p, 200, 180, 112);
}

static void alarm_clock(struct shop_text *out, const struct palette *p)
{
    shadow(out, 92);
    line(out, "M148 282 L128 314 M252 282 L272 314", 15, p->dark);
    line(out, "M200 124 V96 M172 84 Q200 62 228 84", 10, p->dark);
    shape(out, "M100 150 Q100 92 158 94 Z", p->main);
    shape(out, "M300 150 Q300 92 242 94 Z", p->main);
    dial(out, p, 200, 214, 92);
}

static void mantel_clock(struct shop_text *out, const struct palette *p)
{
    shadow(out, 126);
    shape(out, "M104 300 V206 Q104 100 200 100 Q296 100 296 206 V300 Z", p->main);
    rect(out, 82, 294, 236, 24, 6, p->dark);
    dial(out, p, 200, 202, 70);
}

static void pendulum_clock(struct shop_text *out, const struct palette *p)
{
    shadow(out, 70);
    shape(out, "M142 82 L200 44 L258 82 Z", p->dark);
    rect(out, 146, 80, 108, 232, 6, p->main);
    rect(out, 138, 302, 124, 16, 4, p->dark);
    rect(out, 164, 186, 72, 108, 5, p->light);
    line(out, "M200 186 L212 258", 5, p->dark);
    circle(out, 213, 264, 15, "#d9a441");
    dial(out, p, 200, 132, 44);
}

static void basket(struct shop_text *out, const struct palette *p)
{
    shadow(out, 104);
    line(out, "M126 190 Q126 92 200 92 Q274 92 274 190", 13, p->dark);
    shape(out, "M92 186 H308 L288 318 H112 Z", p->main);
    for (int row = 0; row < 4; row++) {
        for (int column = 0; column < 7 - row % 2; column++)
            rect(out, 112 + column * 26 + row % 2 * 13, 204 + row * 28, 15, 14, 5, p->light);
    }
    rect(out, 84, 178, 232, 18, 9, p->dark);
}

static void coat_rack(struct shop_text *out, const struct palette *p)
{
    rect(out, 56, 122, 288, 34, 10, p->main);
    for (int i = 0; i < 5; i++) {
        rect(out, 80 + i * 55, 138, 16, 44, 8, p->dark);
        circle(out, 88 + i * 55, 182, 12, p->dark);
    }
    shape(out, "M196 182 Q172 204 166 318 H226 Q222 204 200 182 Z", p->light);
    line(out, "M118 186 Q100 220 106 262 M124 186 Q146 220 128 262", 7, p->light);
    rect(out, 92, 258, 52, 44, 8, p->light);
}

static void chest(struct shop_text *out, const struct palette *p)
{
    shadow(out, 136);
    shape(out, "M84 206 V176 Q84 146 114 146 H286 Q316 146 316 176 V206 Z", p->dark);
    rect(out, 76, 202, 248, 116, 8, p->main);
    line(out, "M100 202 V318 M300 202 V318 M76 260 H324", 5, p->dark);
    rect(out, 184, 192, 32, 40, 5, p->light);
    circle(out, 200, 212, 6, p->dark);
    line(out, "M76 236 Q56 252 76 276 M324 236 Q344 252 324 276", 8, p->light);
}

static void stair_shelf(struct shop_text *out, const struct palette *p)
{
    shadow(out, 130);
    line(out, "M92 236 V316 M188 166 V316 M292 96 V316", 12, p->dark);
    rect(out, 72, 226, 232, 16, 4, p->main);
    rect(out, 168, 156, 136, 16, 4, p->main);
    rect(out, 258, 88, 56, 16, 4, p->main);
    rect(out, 108, 182, 14, 44, 2, p->light);
    rect(out, 124, 172, 16, 54, 2, p->dark);
    rect(out, 142, 188, 12, 38, 2, p->light);
    rect(out, 218, 118, 38, 38, 19, p->light);
    rect(out, 272, 58, 28, 30, 6, p->light);
    shape(out, "M286 60 Q262 34 276 22 Q286 36 286 60 Q288 34 304 26 Q310 46 286 60 Z", "#4f9162");
}

static picture *const PICTURES[SHOP_SEED_PRODUCT_COUNT] = {
    desk_lamp,     dome_lamp,   lantern,      floor_lamp,
    kitchen_chair, armchair,    step_stool,   bench,
    mug,           jug,         bowl,         teapot,
    monstera,      snake_plant, cactus,       olive_tree,
    wall_clock,    alarm_clock, mantel_clock, pendulum_clock,
    basket,        coat_rack,   chest,        stair_shelf,
};

bool shop_art_draw(struct shop_text *out, int64_t product_id)
{
    if (product_id < 1 || product_id > SHOP_SEED_PRODUCT_COUNT)
        return false;
    size_t index = (size_t)product_id - 1;
    size_t palette_count = sizeof PALETTES / sizeof PALETTES[0];
    const struct palette *p = &PALETTES[(index + index / 4) % palette_count];
    shop_html(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 400 400\" role=\"img\">"
                   "<title>%s</title>", shop_seed_products[index].name);
    rect(out, 0, 0, 400, 400, 0, p->back);
    rect(out, 0, 318, 400, 82, 0, p->floor);
    PICTURES[index](out, p);
    shop_html(out, "</svg>\n");
    return true;
}

void shop_art_sign_draw(struct shop_text *out)
{
    shop_html(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 64 64\">"
                   "<rect width=\"64\" height=\"64\" rx=\"14\" fill=\"#2f5340\"/>"
                   "<path d=\"M10 50 H22 V40 H34 V30 H46 V20 H56\" fill=\"none\" stroke=\"#f7f3e8\""
                   " stroke-width=\"6\" stroke-linejoin=\"round\" stroke-linecap=\"round\"/>"
                   "<circle cx=\"20\" cy=\"18\" r=\"7\" fill=\"#e0a44c\"/></svg>\n");
}

void shop_art_badge_draw(struct shop_text *out, int64_t piece_count)
{
    if (piece_count == 0) {
        shop_html(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 28 20\"></svg>\n");
        return;
    }
    shop_html(out,
              "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 28 20\">"
              "<title>%l in the cart</title>"
              "<rect width=\"28\" height=\"20\" rx=\"10\" fill=\"#c8553d\"/>"
              "<text x=\"14\" y=\"14.5\" text-anchor=\"middle\" fill=\"#fff\" font-size=\"13\""
              " font-weight=\"700\" font-family=\"system-ui,sans-serif\">%l</text></svg>\n",
              piece_count, piece_count);
}
