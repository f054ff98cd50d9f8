/* SPDX-License-Identifier: ISC */
/* backends/unix/kv_dir_path.c - from a key to a descriptor, and never out of the folder. A key's
 * parts have been checked (no "..", no empty part); what remains dangerous are links, and folders
 * that someone moves while we walk. Reading leaves both to openat2(RESOLVE_BENEATH); where the
 * kernel has none, and for writing, we walk part by part and take no link at all. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kv_dir_impl.h"

#define DIR_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

enum { DIR_RACES = 64 }; /* openat2() answers EAGAIN when someone renames a folder on the way */

enum rung_err rung_kv_dir_err(int errno_value)
{
    switch (errno_value) {
    case 0: return RUNG_OK;
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EXDEV: /* openat2(): a link that leads out */
    case ENXIO: /* a socket, a device without a driver */
    case ENODEV: return RUNG_E_NOTFOUND;
    case EINVAL: /* a name that this file system cannot hold */
    case EILSEQ:
    case ENAMETOOLONG: return RUNG_E_INVAL;
    case EACCES:
    case EPERM: return RUNG_E_ACCESS;
    case EMFILE:
    case ENFILE: return RUNG_E_LIMIT;
    case ENOMEM: return RUNG_E_NOMEM;
    case ENOSPC:
    case EDQUOT: return RUNG_E_FULL;
    case EFBIG: return RUNG_E_TOOBIG;
    case EROFS: return RUNG_E_READONLY;
    case EUCLEAN:
    case EBADMSG: return RUNG_E_CORRUPT;
    case ESTALE: return RUNG_E_DOWN;
    default: return RUNG_E_IO;
    }
}

static int dir_openat2(int root, const char *path, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)flags, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

bool rung_kv_dir_has_openat2(int root)
{
    int fd = dir_openat2(root, ".", O_PATH | O_CLOEXEC);
    if (fd < 0) /* ENOSYS: before Linux 5.6; EPERM: a container's old filter */
        return false;
    close(fd);
    return true;
}

/* Opens one more folder of a walk and closes the one before. 0 or an errno; *at is open in either
 * case. */
static int dir_step(int *at, const char *part, size_t len)
{
    char name[256];
    memcpy(name, part, len);
    name[len] = 0;
    int next = openat(*at, name, DIR_FOLDER);
    if (next < 0)
        return errno;
    close(*at);
    *at = next;
    return 0;
}

static int dir_walk_open(const struct rung_kv_dir *dir, const char *path, int flags)
{
    int parent, err = rung_kv_dir_parent(dir, path, NULL, &parent);
    if (err) {
        errno = err;
        return -1;
    }
    const char *name = rung_kv_dir_name(path);
    int fd = openat(parent, *name ? name : ".", flags | O_NOFOLLOW);
    err = errno;
    close(parent);
    errno = err;
    return fd;
}

int rung_kv_dir_open_at(const struct rung_kv_dir *dir, const char *path, int flags)
{
    int fd = -1;
    flags |= O_CLOEXEC;
    if (!dir->beneath)
        fd = dir_walk_open(dir, path, flags);
    for (int i = 0; dir->beneath && i < DIR_RACES; i++) {
        fd = dir_openat2(dir->root, *path ? path : ".", flags);
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    return fd >= 0 ? fd : (int)rung_kv_dir_err(errno);
}

int rung_kv_dir_stat(const struct rung_kv_dir *dir, const char *path, struct stat *st)
{
    int fd = rung_kv_dir_open_at(dir, path, O_PATH);
    if (fd < 0)
        return fd;
    int err = fstat(fd, st) ? (int)rung_kv_dir_err(errno) : RUNG_OK;
    close(fd);
    /* Without openat2() a link is opened as itself. */
    return err || !S_ISLNK(st->st_mode) ? err : RUNG_E_NOTFOUND;
}

/* Makes one missing folder and its entry durable. 0 or an errno. */
static int dir_make_folder(const struct rung_kv_dir *dir, int at, const char *part, size_t len)
{
    char name[256];
    memcpy(name, part, len);
    name[len] = 0;
    if (mkdirat(at, name, 0777) && errno != EEXIST)
        return errno;
    return dir->sync && fsync(at) ? errno : 0;
}

int rung_kv_dir_parent(const struct rung_kv_dir *dir, const char *path, size_t *made, int *parent)
{
    int at = openat(dir->root, ".", DIR_FOLDER), err = at < 0 ? errno : 0;
    if (made)
        *made = 0;
    for (const char *part = path, *slash; !err && (slash = strchr(part, '/')); part = slash + 1) {
        size_t len = (size_t)(slash - part);
        err = dir_step(&at, part, len);
        if (err != ENOENT || !made)
            continue;
        if (!*made)
            *made = (size_t)(slash - path);
        err = dir_make_folder(dir, at, part, len);
        if (!err)
            err = dir_step(&at, part, len);
    }
    if (err && at >= 0)
        close(at);
    *parent = err ? -1 : at;
    return err;
}

void rung_kv_dir_prune(const struct rung_kv_dir *dir, const char *path, size_t keep)
{
    char folder[RUNG_KV_KEY_MAX + 1];
    size_t len = strlen(path);
    memcpy(folder, path, len + 1);
    for (;;) {
        char *slash = strrchr(folder, '/');
        int parent;
        if (!slash || (size_t)(slash - folder) < keep)
            return;
        *slash = 0;
        if (rung_kv_dir_parent(dir, folder, NULL, &parent))
            return;
        int gone = unlinkat(parent, rung_kv_dir_name(folder), AT_REMOVEDIR);
        close(parent);
        if (gone != 0) /* it holds something else */
            return;
    }
}

const char *rung_kv_dir_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
