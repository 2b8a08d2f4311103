/* Some lines for each certificate, and one more for each file that was refused. */
#include <stdbool.h>
#include <time.h>

#include "base/compiler.h"
#include "cmd/status_print.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void print_day(const json_t *object, const char *key, FILE *to)
{
    time_t at_s = (time_t)json_integer_value(json_object_get(object, key));
    struct tm tm;
    char text[32];
    if (gmtime_r(&at_s, &tm) != NULL && strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm) > 0)
        fputs(text, to);
}

static void print_certificate(const json_t *certificate, FILE *to)
{
    size_t i;
    json_t *name;
    fputs("  ", to);
    json_array_foreach(json_object_get(certificate, "names"), i, name)
        fprintf(to, "%s%s", i > 0 ? ", " : "", json_string_value(name));
    if (json_array_size(json_object_get(certificate, "names")) == 0)
        fputs(text_of(certificate, "subject"), to);
    fprintf(to, "\n    %s, by %s, %lld days left (", text_of(certificate, "key_type"),
            text_of(certificate, "issuer"),
            (long long)json_integer_value(json_object_get(certificate, "days_left")));
    print_day(certificate, "not_after_unix_s", to);
    fprintf(to, ")\n    %s, read ", text_of(certificate, "file"));
    print_day(certificate, "loaded_unix_s", to);
    fputc('\n', to);
    if (json_object_get(certificate, "refused") != NULL) {
        fprintf(to, "    refused ");
        print_day(certificate, "refused_unix_s", to);
        fprintf(to, ": %s\n", text_of(certificate, "refused"));
    }
    if (json_object_get(certificate, "staple_refused") != NULL)
        fprintf(to, "    without its OCSP answer: %s\n", text_of(certificate, "staple_refused"));
}

static void print_certificates(const json_t *of, FILE *to)
{
    size_t i;
    json_t *certificate;
    json_array_foreach(json_object_get(of, "certificates"), i, certificate)
        print_certificate(certificate, to);
}

static void print_refused(const json_t *of, FILE *to)
{
    static const struct {
        const char *key;
        const char *what;
    } files[] = {{"ca_refused", "authorities"}, {"tickets_refused", "keys of tickets"}};
    for (size_t i = 0; i < NW_COUNT(files); i++)
        if (json_object_get(of, files[i].key) != NULL)
            fprintf(to, "  new %s are refused: %s\n", files[i].what, text_of(of, files[i].key));
}

void tls_print(const json_t *tls, FILE *to)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(tls, "listeners"), i, item)
    {
        fprintf(to, "listens on %s: policy %s, client certificates %s, tickets %s\n",
                text_of(item, "address"), text_of(item, "policy"), text_of(item, "clients"),
                text_of(item, "tickets"));
        print_refused(item, to);
        print_certificates(item, to);
    }
    json_array_foreach(json_object_get(tls, "services"), i, item)
    {
        bool is_verified = json_is_true(json_object_get(item, "verified"));
        fprintf(to, "service %s: nodes are %s%s\n", text_of(item, "service"),
                is_verified ? "verified by " : "not verified",
                is_verified ? text_of(item, "ca") : "");
        print_refused(item, to);
        print_certificates(item, to);
    }
    if (json_array_size(json_object_get(tls, "listeners")) +
            json_array_size(json_object_get(tls, "services")) ==
        0)
        fputs("no listener and no service has TLS\n", to);
    else if (!json_is_true(json_object_get(tls, "watched")))
        fputs("files are looked at every hour: their folders cannot be watched\n", to);
}
