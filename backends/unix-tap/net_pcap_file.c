/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap_file.c - a capture file as what the wire brings. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net_pcap_impl.h"
#include "rung/log.h"
#include "unix/unix.h"

/* Regular files only: whatever else may block where it is read, and that is in the midst of the
 * loop. NULL: *err says why. */
static FILE *file_open(const char *path, int *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        *err = errno;
        return NULL;
    }
    FILE *stream = NULL;
    if (fstat(fd, &st))
        *err = errno;
    else if (!S_ISREG(st.st_mode))
        *err = S_ISDIR(st.st_mode) ? EISDIR : ESPIPE;
    else if (!(stream = fdopen(fd, "rb")))
        *err = errno;
    if (!stream)
        close(fd);
    return stream;
}

static enum rung_err file_cannot_open(struct rung_net_pcap *self, int err)
{
    const char *slot = self->slot;
    if (err == ENOENT || err == ENOTDIR)
        rung_log(self->p, RUNG_LOG_ERROR, slot, "there is no file '%s': set %s.file to a capture",
                 self->file, slot);
    else if (err == EISDIR || err == ESPIPE)
        rung_log(self->p, RUNG_LOG_ERROR, slot,
                 "'%s' is no regular file: write the capture to one, and set %s.file to it",
                 self->file, slot);
    else
        rung_log(self->p, RUNG_LOG_ERROR, slot, "cannot read '%s': %s", self->file, strerror(err));
    return rung_err_from_errno(err);
}

enum rung_err rung_net_pcap_file_open(struct rung_net_pcap *self)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    int err = 0;
    FILE *stream = file_open(self->file, &err);
    if (!stream)
        return file_cannot_open(self, err);
    self->pcap = pcap_fopen_offline(stream, why);
    if (!self->pcap) {
        fclose(stream);
        rung_log(self->p, RUNG_LOG_ERROR, self->slot,
                 "'%s' is no capture that can be read (%s): set %s.file to a pcap or pcapng file",
                 self->file, why, self->slot);
        return RUNG_E_CORRUPT;
    }
    int type = pcap_datalink(self->pcap);
    if (type != DLT_EN10MB) {
        const char *name = pcap_datalink_val_to_name(type);
        rung_log(self->p, RUNG_LOG_ERROR, self->slot,
                 "'%s' has frames of type %s (%d), not Ethernet: capture on an Ethernet interface",
                 self->file, name ? name : "unknown", type);
        pcap_close(self->pcap); /* and the stream */
        self->pcap = NULL;
        return RUNG_E_NOTSUP;
    }
    self->net.link_up = true;
    rung_net_pcap_tell_later(self, RUNG_NET_RX_READY);
    return RUNG_OK;
}

static void file_end(struct rung_net_pcap *self, bool damaged)
{
    const struct rung_net_stats *stats = &self->net.stats;
    if (damaged)
        rung_log(self->p, RUNG_LOG_ERROR, self->slot,
                 "'%s' is damaged after frame %" PRIu64 " (%s): nothing more comes from it",
                 self->file, stats->rx_frames + stats->rx_dropped, pcap_geterr(self->pcap));
    else
        rung_log(self->p, RUNG_LOG_INFO, self->slot,
                 "end of '%s': %" PRIu64 " frames (%" PRIu64 " bytes) came from it, %" PRIu64
                 " were left out, %" PRIu64 " were sent so far and dropped", self->file,
                 stats->rx_frames, stats->rx_bytes, stats->rx_dropped, stats->tx_dropped);
    self->ended = true;
    self->net.link_up = false;
    rung_net_pcap_tell_later(self, RUNG_NET_LINK);
}

bool rung_net_pcap_file_fill(struct rung_net_pcap *self, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct pcap_pkthdr *head;
        const u_char *bytes;
        int got = pcap_next_ex(self->pcap, &head, &bytes);
        if (got != 1) {
            file_end(self, got == PCAP_ERROR);
            return false;
        }
        rung_net_pcap_arrive((u_char *)self, head, bytes);
    }
    return true;
}
