/* client.h: settings of how clients are treated: buffers, times, sizes. */
#ifndef MUXD_WORKER_HTTP_CLIENT_H
#define MUXD_WORKER_HTTP_CLIENT_H

#include "conf/values.h"
#include "worker/modules.h"

enum body_in_file { BODY_IN_FILE_OFF, BODY_IN_FILE_ON, BODY_IN_FILE_CLEAN };
enum keepalive_disable {
    KEEPALIVE_DISABLE_NONE = 1,
    KEEPALIVE_DISABLE_MSIE6 = 2,
    KEEPALIVE_DISABLE_SAFARI = 4
};
enum lingering { LINGERING_OFF, LINGERING_ON, LINGERING_ALWAYS };

/* keepalive_timeout timeout [header_timeout]: ms, and seconds for the header. */
struct keepalive_value {
    uint64_t timeout;
    uint64_t header; /* 0: no Keep-Alive header */
};

struct client_settings {
    uint64_t client_header_buffer_size;
    struct buffers_value large_client_header_buffers;
    uint64_t max_headers;
    uint64_t client_header_timeout; /* ms, as every time here */
    uint64_t client_body_timeout;
    uint64_t client_max_body_size; /* 0: any */
    uint64_t client_body_buffer_size;
    const char *client_body_temp_path;
    bool client_body_read; /* read the body before the content phase, so that variables have it */
    int client_body_in_file_only;
    bool client_body_in_single_buffer;
    uint64_t send_timeout;
    uint64_t send_lowat;
    uint64_t postpone_output;
    struct keepalive_value keepalive_timeout;
    uint64_t keepalive_requests;
    uint64_t keepalive_time;
    uint32_t keepalive_disable;
    int lingering_close;
    uint64_t lingering_time;
    uint64_t lingering_timeout;
    bool reset_timedout_connection;
    bool tcp_nodelay;
    bool tcp_nopush;
    bool chunked_transfer_encoding;
    uint64_t connection_pool_size, request_pool_size; /* accepted, not needed */
};

extern const struct conf_module client_module;

#endif
