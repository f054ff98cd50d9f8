/* SPDX-License-Identifier: ISC */
/* apps/website/website.c - serves the values of a KV as a website over HTTP. Where the values are
 * (in the image, in a folder, on a disk) and whose TCP carries them is the configuration's
 * business. */
#include "rung/http.h"
#include "rung/log.h"
#include "rung/loop.h"

#include "website_app.h"

static void website_request(struct rung_http_server *server, struct rung_http_request *request)
{
    const struct website_slots *slots = server->arg;
    rung_http_respond_kv(request, slots->content);
}

/* One line that says what is wrong and how to mend it. */
static void website_no_port(struct rung_platform *p, const struct rung_addr *local, int err)
{
    static const char who[] = "website";
    unsigned port = local->port;
    switch (err) {
    case RUNG_E_ADDRINUSE:
        rung_log(p, RUNG_LOG_ERROR, who, "port %u is in use; stop the other program or choose "
                 "another port with --port=N", port);
        break;
    case RUNG_E_ACCESS:
        rung_log(p, RUNG_LOG_ERROR, who, "no permission for port %u; choose one above 1023 with "
                 "--port=N", port);
        break;
    case RUNG_E_ADDRNOTAVAIL:
        rung_log(p, RUNG_LOG_ERROR, who, "this host does not have that address; give one that it "
                 "has with --address=A, or leave it out");
        break;
    default:
        rung_log(p, RUNG_LOG_ERROR, who, "cannot listen on port %u: %s", port, rung_err_text(err));
    }
}

int website_check(struct rung_platform *p, const struct website_slots *slots)
{
    unsigned port = website_key_address(&slots->keys).port;
    if (port == 0)
        return 0;
    rung_log(p, RUNG_LOG_ERROR, "website", "--address has a port; give that with --port=%u", port);
    return 64;
}

int website_main(struct rung_platform *p, const struct website_slots *slots)
{
    char text[RUNG_ADDR_TEXT];
    struct website_slots own = *slots;
    struct rung_http_server server = {.on_request = website_request, .arg = &own};
    server.local = website_key_address(&slots->keys);
    server.local.port = website_key_port(&slots->keys);
    int err = rung_http_listen(slots->http, &server);
    if (err < 0) {
        website_no_port(p, &server.local, err);
        return 1;
    }
    if (website_key_address(&slots->keys).family == RUNG_AF_NONE)
        rung_log(p, RUNG_LOG_INFO, "website", "serving http://*:%u/ on every address it has",
                 server.local.port);
    else
        rung_log(p, RUNG_LOG_INFO, "website", "serving http://%s/",
                 rung_addr_format(&server.local, text));
    int status = rung_loop_run(p);
    rung_http_unlisten(slots->http, &server);
    return status;
}
