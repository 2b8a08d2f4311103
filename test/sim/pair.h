/*
 * pair.h - a certificate and its key for simulated sites: P-256, a.example, 2000 to 2100, its own
 * authority. Fixed, because it decides lengths.
 */
#ifndef NW_TEST_SIM_PAIR_H
#define NW_TEST_SIM_PAIR_H

static const char pair_certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBNDCB3KADAgECAgEBMAoGCCqGSM49BAMCMA4xDDAKBgNVBAMMA3NpbTAgFw0w\n"
    "MDAxMDEwMDAwMDBaGA8yMTAwMDEwMTAwMDAwMFowDjEMMAoGA1UEAwwDc2ltMFkw\n"
    "EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEfnWNq2Ty7fP9K9xxr74ouWFpStStHvdO\n"
    "avHcsJCHyFDPhwrhNbIsGdGU+vg71yj+awfLV+2++x9HyvNO6aZa0qMpMCcwFAYD\n"
    "VR0RBA0wC4IJYS5leGFtcGxlMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwID\n"
    "RwAwRAIgEblKwHLL/MsE3LrG+jpGnn+iKrxrC0pYCMongsfwOzcCIEIqVofSLzAH\n"
    "uHQTKt1WDAHXrtHbzx/rpN/OUsMPL4H5\n"
    "-----END CERTIFICATE-----\n";
static const char pair_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg01MA79Qoroq/8yAP\n"
    "T/od8qkaNybuTcBq4buUvZH+Xc2hRANCAAR+dY2rZPLt8/0r3HGvvii5YWlK1K0e\n"
    "905q8dywkIfIUM+HCuE1siwZ0ZT6+DvXKP5rB8tX7b77H0fK807pplrS\n"
    "-----END PRIVATE KEY-----\n";

#endif
