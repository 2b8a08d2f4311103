/*
 * The same 24 products on every first start, so that a load test, a cache
 * study and a test suite can name them. One is sold out and one nearly so:
 * without those nobody sees what the shop does then. All others are stocked
 * for a long load test.
 */
#include "seed.h"

#define PLENTY 10000000

const char *const shop_seed_categories[SHOP_SEED_CATEGORY_COUNT] = {
    "lamps", "chairs", "ceramics", "plants", "clocks", "storage",
};

const struct shop_product shop_seed_products[SHOP_SEED_PRODUCT_COUNT] = {
    {1, "Harbour desk lamp", "lamps",
     "A cone of enamelled steel on a bent brass arm. Throws its light on the page and not into "
     "your eyes.", 7900, PLENTY},
    {2, "Halfmoon table lamp", "lamps",
     "Linen dome on a turned oak foot. The lamp that stays on while somebody is still out.",
     6450, PLENTY},
    {3, "Lantern No. 3", "lamps",
     "Opal glass in a folded tin frame, with a handle, because light should go where you go.",
     5200, PLENTY},
    {4, "Gallery floor lamp", "lamps",
     "A tall, slim post with a drum shade. Stands well in the corner where the stairs turn.",
     14900, PLENTY},
    {5, "Kitchen chair Otto", "chairs",
     "Beech, three slats, no ornament. Made for long breakfasts and standing on to reach the "
     "top shelf.", 9800, PLENTY},
    {6, "Landing armchair", "chairs",
     "Low, upholstered and round at the edges. Halfway up is a good place to sit down.",
     32900, PLENTY},
    {7, "Step stool Two", "chairs",
     "Two treads, one grip hole, twelve kilos of ash. Carries a hundred and fifty.",
     5900, PLENTY},
    {8, "Hall bench", "chairs",
     "For putting on shoes. Room for two people, or for one and the shopping.", 18900, PLENTY},
    {9, "Morning mug", "ceramics",
     "Stoneware, a third of a litre, with a handle that fits three fingers.", 1450, PLENTY},
    {10, "Water jug", "ceramics",
     "Holds a litre and pours without dripping. We tested that for a whole summer.",
     3900, PLENTY},
    {11, "Soup bowl", "ceramics",
     "Deep, heavy and glazed inside only, so that your hands feel the clay.", 1950, PLENTY},
    {12, "Teapot Margit", "ceramics",
     "One of the last of a small series, by a potter who has since retired.", 6800, 3},
    {13, "Monstera", "plants",
     "Grows towards the window and will not be argued with. In a 19 cm pot.", 2900, PLENTY},
    {14, "Snake plant", "plants",
     "Wants little light, little water and no attention. Ideal for stairwells.", 1890, PLENTY},
    {15, "Column cactus", "plants",
     "Slow, upright, patient. Has flowered once in our care, at night.", 2450, PLENTY},
    {16, "Olive tree", "plants",
     "A young tree for a bright hall. May bear olives; has not promised to.", 5900, PLENTY},
    {17, "Wall clock Noon", "clocks",
     "Thirty centimetres of quiet. Sweeping hand, no ticking.", 4900, PLENTY},
    {18, "Alarm clock Lark", "clocks",
     "Two bells and a hammer. Nobody has ever slept through it.", 3250, PLENTY},
    {19, "Mantel clock", "clocks",
     "Walnut, arched, strikes the hours unless you ask it not to.", 11900, PLENTY},
    {20, "Pendulum clock", "clocks",
     "A narrow case with a slow pendulum. Loses four seconds a week, gracefully.",
     24900, PLENTY},
    {21, "Willow basket", "storage",
     "Woven in one piece. For firewood, washing or a sleeping cat.", 4450, PLENTY},
    {22, "Coat rack Five", "storage",
     "Five oak pegs on a rail. The fifth is for guests.", 3900, PLENTY},
    {23, "Cedar chest", "storage",
     "Dovetailed, with rope handles. Keeps moths out and winter in.", 21900, 0},
    {24, "Stair shelf", "storage",
     "Three boards that climb with the steps. Screws are in the box, for once.", 8900, PLENTY},
};

const struct shop_seed_user shop_seed_users[SHOP_SEED_USER_COUNT] = {
    {"alice", "Alice Lindqvist", "customer", "wonderland"},
    {"bob", "Bob Okafor", "customer", "builder"},
    {"admin", "Ada Marsh", "admin", "landlady"},
};
