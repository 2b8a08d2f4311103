/*
 * parse.h - a tree to the structs of conf.h, and what the options mean together.
 *
 * Three steps, each pure: parse fills every field from the file or its default; groups flattens
 * nested routes and hands settings down; check judges what no single option can say.
 *
 * Owner:   results live in the reader's arena
 * Threads: one reader, one thread
 */
#ifndef NW_CONF_PARSE_H
#define NW_CONF_PARSE_H

#include "conf/type.h"

/* Fills a zeroed struct nw_conf; mistakes go to the reader's diag. */
void nw_conf_parse(struct nw_conf_reader *reader, const struct nw_conf_tree *root,
                   struct nw_conf *conf);
/* Settings come down from the file and from groups; conf->routes becomes the flat list. */
void nw_conf_groups(struct nw_conf_reader *reader, struct nw_conf *conf);
/* Cross checks; connects routes with services. */
void nw_conf_check(struct nw_conf_reader *reader, struct nw_conf *conf);
/* Its part for `tls` blocks: the short form becomes a list of one. */
void nw_conf_check_tls(struct nw_conf_reader *reader, struct nw_conf *conf);
/* Its part for `allow` as given in this block, by nw_conf_groups for groups. */
void nw_conf_check_allow(struct nw_conf_reader *reader, const struct nw_conf *conf,
                         const struct nw_conf_block *block, const struct nw_conf_networks *allow);

#endif
