#include "worker/http/satisfy.h"

#include "common/log.h"
#include "conf/values.h"

enum { SATISFY_ALL, SATISFY_ANY };

struct satisfy_settings {
    int satisfy;
    uint64_t delay; /* auth_delay, ms */
};

bool access_any(const struct request *request)
{
    const struct satisfy_settings *settings = request_settings(request, MODULE_SATISFY);

    return settings->satisfy == SATISFY_ANY;
}

/* Somebody has let the client in: nobody's challenge is for it. */
static int let_in(struct request *request)
{
    struct response_field *fields = request->response.fields.items;

    request->access_status = 0;
    request->let_in = true;
    for (size_t i = 0; i < request->response.fields.count; i++)
        if (slice_is_nocase(fields[i].name, "WWW-Authenticate"))
            fields[i].hidden = true;
    return DECLINED;
}

int access_judge(struct request *request, int outcome)
{
    const struct satisfy_settings *settings = request_settings(request, MODULE_SATISFY);

    if (outcome == ALLOWED)
        return settings->satisfy == SATISFY_ANY ? let_in(request) : DECLINED;
    if (outcome == 401 || (outcome == 403 && settings->satisfy == SATISFY_ANY)) {
        if (request->access_status != 401)
            request->access_status = (uint16_t)outcome;
        request->let_in = settings->satisfy == SATISFY_ALL; /* nobody else is asked */
        return DECLINED;
    }
    return outcome;
}

int access_verdict(struct request *request)
{
    const struct satisfy_settings *settings = request_settings(request, MODULE_SATISFY);
    int status = request->access_status;

    if (status == 0)
        return DECLINED;
    if (status == 401 && settings->delay > 0 && !request->access_delayed) {
        request->access_delayed = true;
        request_log(request, LOG_LEVEL_INFO, 0, "delaying unauthorized request");
        return request_delay(request, settings->delay);
    }
    request->access_status = 0;
    return status;
}

static const struct enum_type as_satisfy = {
    { "all | any", sizeof(int), enum_set },
    (const struct enum_choice[]){ { "all", SATISFY_ALL }, { "any", SATISFY_ANY }, { 0 } },
};

static const struct directive satisfy_directives[] = {
    { "satisfy", IN_HTTP_ALL, ARGS(1), &as_satisfy.type, offsetof(struct satisfy_settings, satisfy),
      "all", "let a client in when all of allow, deny, auth_basic and auth_request do, or any" },
    { "auth_delay", IN_HTTP_ALL, ARGS(1), &as_time, offsetof(struct satisfy_settings, delay), "0s",
      "wait before a client is answered with 401" },
    { 0 },
};

const struct conf_module satisfy_module = {
    .name = "satisfy",
    .id = MODULE_SATISFY,
    .size = sizeof(struct satisfy_settings),
    .directives = satisfy_directives,
};
