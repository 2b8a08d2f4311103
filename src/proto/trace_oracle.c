/*
 * oracleGeneral, the binary form in which many published cache traces are kept: packed, little
 * endian, no header. The moment of the next access, there for policies that look into the future,
 * is not used. Any 24 bytes are a record, so damage cannot be seen here; a file that ends within a
 * record can.
 */
#include "proto/trace_impl.h"

static uint64_t little_endian(const char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

void trace_oracle_judge(const char bytes[TRACE_ORACLE_BYTES], struct nw_trace_record *out)
{
    out->time_us = (int64_t)little_endian(bytes, 4) * 1000000;
    out->id = little_endian(bytes + 4, 8);
    out->size_bytes = little_endian(bytes + 12, 4);
    out->has_id = out->has_size = out->has_time = true;
}
