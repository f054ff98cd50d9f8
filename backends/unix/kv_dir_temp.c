/* SPDX-License-Identifier: ISC */
/* backends/unix/kv_dir_temp.c - where files stand until they are whole: .rung-tmp in the folder
 * itself, a name that no key can have, so they are never listed or got, and what a crash leaves
 * behind is found without a search. Who uses it holds a shared lock on it; who gets the lock alone
 * knows that all in it is left over. It is made by the first write and removed at close. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kv_dir_impl.h"

/* 0 or an errno. */
static int temp_attach(struct rung_kv_dir *dir)
{
    if (dir->temp >= 0)
        return 0;
    dir->temp = openat(dir->root, RUNG_KV_DIR_TEMP,
                       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir->temp < 0)
        return errno;
    flock(dir->temp, LOCK_SH | LOCK_NB); /* where a file system has no locks, nobody cleans */
    return 0;
}

static void temp_detach(struct rung_kv_dir *dir)
{
    if (dir->temp >= 0)
        close(dir->temp);
    dir->temp = -1;
}

void rung_kv_dir_temp_init(struct rung_kv_dir *dir)
{
    struct dirent *entry;
    if (temp_attach(dir) || flock(dir->temp, LOCK_EX | LOCK_NB))
        return;
    int fd = openat(dir->temp, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *all = fd < 0 ? NULL : fdopendir(fd);
    if (!all && fd >= 0)
        close(fd);
    while (all && (entry = readdir(all)))
        unlinkat(dir->temp, entry->d_name, 0); /* not "." and "..": those are folders */
    if (all)
        closedir(all);
    flock(dir->temp, LOCK_SH | LOCK_NB);
}

int rung_kv_dir_temp_new(struct rung_kv_dir *dir, char name[32])
{
    for (int tries = 0; tries < 100;) {
        int err = temp_attach(dir);
        if (err == ENOENT) {
            tries++;
            if (mkdirat(dir->root, RUNG_KV_DIR_TEMP, 0700) && errno != EEXIST)
                return errno == ENOENT ? RUNG_E_DOWN : (int)rung_kv_dir_err(errno);
            continue;
        }
        if (err)
            return err == ENOTDIR || err == ELOOP ? RUNG_E_IO : (int)rung_kv_dir_err(err);
        snprintf(name, 32, "%lx-%llx", (long)getpid(), (unsigned long long)dir->temps++);
        int fd = openat(dir->temp, name,
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd >= 0)
            return fd;
        if (errno != ENOENT && errno != EEXIST)
            return rung_kv_dir_err(errno);
        tries++;
        if (errno == ENOENT) /* another store's close has removed the folder */
            temp_detach(dir);
    }
    return RUNG_E_IO;
}

void rung_kv_dir_temp_remove(const struct rung_kv_dir *dir, const char *name)
{
    unlinkat(dir->temp, name, 0);
}

void rung_kv_dir_temp_end(struct rung_kv_dir *dir)
{
    if (dir->temp >= 0 && flock(dir->temp, LOCK_EX | LOCK_NB) == 0)
        unlinkat(dir->root, RUNG_KV_DIR_TEMP, AT_REMOVEDIR);
    temp_detach(dir);
}
