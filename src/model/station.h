/*
 * station.h - places where customers wait and are served, played event by event.
 *
 * A set of stations shares one event list and one pool of customers. A station has c servers and
 * serves first come first served (FIFO) or shares its servers among all inside (PS: each of n
 * customers gets min(1, c / n) of a server). The caller lets customers enter with the work they
 * bring and is told of each departure; it may put events of its own (the next arrival) into the
 * same list. FIFO stations that nobody returns to need no events: `nw_model_lindley` below.
 *
 * Time only goes forward: `now_s` is never before the last event given out (asserted). Work and
 * times are seconds; work at speed 2 takes half as long.
 *
 * Sources: Lindley 1952; Kiefer and Wolfowitz 1955 for several servers. PS by virtual time: every
 * customer inside gets the same share, so the one whose work ends at the least share leaves next.
 *
 * Owner:   the caller of _new
 * Threads: one at a time
 */
#ifndef NW_MODEL_STATION_H
#define NW_MODEL_STATION_H

#include "model/eventlist.h"

typedef enum nw_model_discipline {
    NW_MODEL_FIFO,
    NW_MODEL_PS,
} nw_model_discipline;

#define NW_MODEL_STATION_INDEX_MAX 0x3fffffffu /* also of customers and of the caller's events */

struct nw_model_stations;

/* customer_max: inside of all stations together, 1..2^29; costs nothing until they are there. */
struct nw_model_stations *nw_model_stations_new(nw_model_eventlist_kind kind,
                                                uint32_t customer_max);
void nw_model_stations_free(struct nw_model_stations *set);
NW_CLEANUP_DEFINE(struct nw_model_stations, nw_model_stations_free)

#define NW_MODEL_WORK_S_MAX 1e15
#define NW_MODEL_SPEED_MAX 1e9 /* and at least 1e-9 */

/* A station more, empty; returns its index (0, 1, ...). servers > 0. */
uint32_t nw_model_station_add(struct nw_model_stations *set, nw_model_discipline discipline,
                              uint32_t servers, double speed);
/* PS: of all inside, from now on. FIFO: of services that begin from now on. */
void nw_model_station_speed_set(struct nw_model_stations *set, double now_s, uint32_t station,
                                double speed);

/*
 * A customer arrives with work_s (0..NW_MODEL_WORK_S_MAX) and a tag of the caller's. NO_MEMORY:
 * customer_max are inside.
 */
NW_MUST_CHECK nw_err nw_model_station_enter(struct nw_model_stations *set, double now_s,
                                            uint32_t station, double work_s, uint32_t tag);
/* An event of the caller's own; what <= NW_MODEL_STATION_INDEX_MAX. At most 2^29 of them wait. */
NW_MUST_CHECK nw_err nw_model_stations_remind(struct nw_model_stations *set, double time_s,
                                              uint32_t what);

struct nw_model_happening {
    double time_s;
    double entered_s; /* departure: when it came to this station */
    double begun_s;   /* departure: when its service began; PS: entered_s */
    uint32_t station; /* departure: where; else NW_MODEL_STATION_NONE */
    uint32_t tag;     /* departure: the customer's; reminder: what */
};
#define NW_MODEL_STATION_NONE UINT32_MAX

/* The next departure or reminder; false when nothing is to come. */
bool nw_model_stations_next(struct nw_model_stations *set, struct nw_model_happening *out);

struct nw_model_station_state {
    uint32_t inside;   /* waiting or in service */
    uint32_t serving;  /* at most servers */
    double inside_s;   /* the integral of inside over time, up to now_s */
    double serving_s;  /* of serving; over servers x time: the utilisation */
    uint64_t departed; /* so far */
};
struct nw_model_station_state nw_model_station_look(const struct nw_model_stations *set,
                                                    double now_s, uint32_t station);

/* ---- FIFO without events ---- */

struct nw_model_lindley {
    double *free_s; /* a heap: when each server is free again */
    uint32_t servers;
};

/* servers > 0; all free at 0. */
void nw_model_lindley_init(struct nw_model_lindley *queue, uint32_t servers);
void nw_model_lindley_done(struct nw_model_lindley *queue);
/* When the service begins. Customers come in the order of their arrivals. */
double nw_model_lindley_serve(struct nw_model_lindley *queue, double arrive_s, double service_s);

#endif
