/* The counters, as the master tells them through its control socket. */
#include "tests/serve/harness.h"

const char *server_status(struct server *server)
{
    struct client *client = client_open_unix(server, "logs/muxd.sock");

    if (!client_send(client, "status\n"))
        server_fail(server, "the master does not take a request for its counters");
    client_finish(client);
    const char *text = client_read_all(client);
    client_close(client);
    return text;
}

long long metric_in(const char *status, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = status; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "out ", 4) == 0 && strncmp(line + 4, name, len) == 0 &&
            line[4 + len] == ' ')
            return strtoll(line + 4 + len, NULL, 10);
    }
    ck_abort_msg("there is no %s in %s", name, status);
}

long long server_metric(struct server *server, const char *name)
{
    return metric_in(server_status(server), name);
}

void totals_follow(struct server *server, struct totals *totals)
{
    static const char *const names[TOTALS] = {
        [TOTAL_ACCEPTED] = "muxd_connections_accepted_total",
        [TOTAL_HANDLED] = "muxd_connections_handled_total",
        [TOTAL_REQUESTS] = "muxd_requests_total",
        [TOTAL_ANSWERED] = "muxd_responses_total{class=\"2xx\"}",
        [TOTAL_RECEIVED] = "muxd_received_bytes_total",
        [TOTAL_SENT] = "muxd_sent_bytes_total",
        [TOTAL_TIMED] = "muxd_request_duration_seconds_count",
    };
    const char *status = server_status(server);

    for (size_t i = 0; i < TOTALS; i++) {
        long long now = metric_in(status, names[i]);
        if (now < totals->of[i])
            server_fail(server, "%s fell from %lld to %lld", names[i], totals->of[i], now);
        totals->of[i] = now;
    }
}
