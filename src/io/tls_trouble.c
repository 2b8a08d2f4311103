/*
 * Why a handshake failed: a word from a short list for metrics, a sentence for people.
 *
 * OpenSSL knows some six hundred reasons. Whoever looks at a graph wants to know whether it is the
 * peer's certificate, its age, its name, an old client, or noise from the internet.
 */
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/metric.h"
#include "io/clock.h"
#include "io/tls_impl.h"

static const char *word_of_verdict(long verdict)
{
    switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "expired";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "name";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
        return "unknown_ca";
    default:
        return "certificate";
    }
}

static const char *word_of_reason(int reason)
{
    if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
        return "alert";
    switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return "no_certificate";
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return "certificate";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION:
        return "version";
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
        return "cipher";
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
        return "plain_http";
    default:
        return "garbage";
    }
}

void nw_tls_trouble_say(struct nw_tls_worker *worker, const char *word, const char *sentence)
{
    worker->trouble.word = word;
    snprintf(worker->trouble.sentence, sizeof worker->trouble.sentence, "%s", sentence);
}

/* A sentence for those that OpenSSL's own words do not explain. */
static const char *sentence_of_word(const char *word)
{
    static const struct {
        const char *word;
        const char *sentence;
    } sentences[] = {
        {"plain_http", "a plain HTTP request came where TLS is spoken"},
        {"unknown_name", "the client named a host that no certificate here covers"},
        {"bad_name", "the client's server name is malformed"},
        {"alpn", "the client offers neither h2 nor http/1.1"},
        {"no_certificate", "the client sent no certificate"},
        {"internal", "the certificate could not be used"},
    };
    for (size_t i = 0; i < NW_COUNT(sentences); i++)
        if (strcmp(word, sentences[i].word) == 0)
            return sentences[i].sentence;
    return NULL;
}

void nw_tls_trouble_note(struct nw_tls_worker *worker, const struct nw_tls *tls)
{
    unsigned long error = ERR_peek_error();
    int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
    long verdict = SSL_get_verify_result(tls->ssl);
    const char *word = tls->trouble_word != NULL ? tls->trouble_word : word_of_reason(reason);
    bool is_verdict = reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != X509_V_OK;
    if (is_verdict)
        word = word_of_verdict(verdict);
    const char *sentence = sentence_of_word(word);
    if (sentence == NULL && is_verdict)
        sentence = X509_verify_cert_error_string(verdict);
    if (sentence == NULL && reason == SSL_R_WRONG_VERSION_NUMBER)
        sentence = "what the other side sent is not TLS";
    if (sentence == NULL)
        sentence = ERR_reason_error_string(error);
    nw_tls_trouble_say(worker, word, sentence != NULL ? sentence : "the handshake failed");
    ERR_clear_error();
}

bool nw_tls_is_alert(const struct nw_tls_worker *worker)
{
    return worker->trouble.word != NULL && strcmp(worker->trouble.word, "alert") == 0;
}

const struct nw_tls_trouble *nw_tls_trouble(void)
{
    return &nw_tls_worker()->trouble;
}

/* ---- counting ---- */

/* Every word that trouble has, and "ok": what bounds the metric's series. */
static const char *const results[] = {
    "ok",    "alert",      "alpn",      "bad_name",   "certificate",  "cipher",
    "closed", "expired",   "garbage",   "internal",   "name",         "no_certificate",
    "plain_http", "timeout", "unknown_ca", "unknown_name", "version", "cancelled",
};
enum { RESULTS = NW_COUNT(results), VERSIONS = 3 };
static const char *const versions[VERSIONS] = {"none", "1.2", "1.3"};

struct nw_tls_counters {
    struct nw_metric_series *handshakes[VERSIONS][2][RESULTS]; /* opened at first use */
    struct nw_metric_series *seconds;
};

static unsigned index_of(const char *const *words, unsigned count, const char *word)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    NW_ASSERT(!"a word that is not in the list");
    return 0;
}

void nw_tls_count(const struct nw_tls *tls, const char *result, uint64_t began_ns)
{
    struct nw_tls_worker *worker = nw_tls_worker();
    struct nw_metrics *metrics = nw_runtime_metrics(nw_worker_runtime(nw_worker_self()));
    if (metrics == NULL)
        return;
    if (worker->counters == NULL) {
        worker->counters = nw_alloc_zero(sizeof *worker->counters);
        worker->counters->seconds = nw_metric_open(metrics, NW_METRIC_io_tls_handshake_seconds);
    }
    unsigned version = tls->is_done ? index_of(versions, VERSIONS, tls->info.version) : 0;
    unsigned at = index_of(results, RESULTS, result);
    struct nw_metric_series **series =
        &worker->counters->handshakes[version][tls->info.is_resumed][at];
    if (*series == NULL)
        *series = nw_metric_open(metrics, NW_METRIC_io_tls_handshakes_total, versions[version],
                                 tls->info.is_resumed ? "yes" : "no", results[at]);
    unsigned index = nw_worker_index(nw_worker_self());
    nw_metric_add(*series, index, 1);
    if (tls->is_done)
        nw_metric_record_us(worker->counters->seconds, index, (nw_io_now_ns() - began_ns) / 1000);
}

void nw_tls_counters_free(struct nw_tls_worker *worker)
{
    if (worker->counters == NULL)
        return;
    struct nw_metrics *metrics = nw_runtime_metrics(nw_worker_runtime(nw_worker_self()));
    for (unsigned i = 0; i < VERSIONS * 2 * RESULTS; i++)
        nw_metric_close(metrics, (&worker->counters->handshakes[0][0][0])[i]);
    nw_metric_close(metrics, worker->counters->seconds);
    nw_free(worker->counters);
}
