/* Makes one change of a file fail, for the tests of what an update survives. Preloaded into Python;
   arm_faults() names the folder, which change to strike, and how. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { NONE, FULL, BROKEN, BROKEN_ON, TORN, TORN_KILL, KILL };

static char folder[4096];
static long counted, strike;
static int kind;

void arm_faults(const char *path, long number, int how) {
    strncpy(folder, path, sizeof folder - 1);
    counted = 0;
    strike = number;
    kind = how;
}

long count_faults(void) { return counted; }

static int below(int fd) {
    char link[64], path[4096];
    if (!folder[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strncmp(path, folder, strlen(folder)) == 0;
}

/* What happens to this change: 0 nothing, or an error number. A disk stays full, and may stay
   broken; TORN writes half first. */
static int struck(void) {
    counted++;
    if (kind == NONE || counted < strike) return 0;
    if (kind == KILL) kill(getpid(), SIGKILL);
    if (counted > strike && kind != FULL && kind != BROKEN_ON) return 0;
    return kind == FULL ? ENOSPC : EIO;
}

#define REAL(name, type) \
    static type real; \
    if (!real) real = (type)dlsym(RTLD_NEXT, name)

typedef ssize_t (*write_t)(int, const void *, size_t);
typedef ssize_t (*pwrite_t)(int, const void *, size_t, off_t);
typedef int (*fd_t)(int);
typedef int (*cut_t)(int, off_t);
typedef int (*rename_t)(const char *, const char *);
typedef int (*unlink_t)(const char *);

static int fail(int error) {
    errno = error;
    return -1;
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL("write", write_t);
    int error = below(fd) ? struck() : 0;
    if (!error) return real(fd, data, size);
    if (kind == TORN || kind == TORN_KILL) real(fd, data, size / 2);
    if (kind == TORN_KILL) kill(getpid(), SIGKILL);
    return fail(error);
}

static ssize_t at(const char *name, int fd, const void *data, size_t size, off_t offset) {
    pwrite_t real = (pwrite_t)dlsym(RTLD_NEXT, name);
    int error = below(fd) ? struck() : 0;
    if (!error) return real(fd, data, size, offset);
    if (kind == TORN || kind == TORN_KILL) real(fd, data, size / 2, offset);
    if (kind == TORN_KILL) kill(getpid(), SIGKILL);
    return fail(error);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    return at("pwrite", fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) {
    return at("pwrite64", fd, data, size, offset);
}

int fsync(int fd) {
    REAL("fsync", fd_t);
    int error = below(fd) ? struck() : 0;
    return error ? fail(error) : real(fd);
}

int fdatasync(int fd) {
    REAL("fdatasync", fd_t);
    int error = below(fd) ? struck() : 0;
    return error ? fail(error) : real(fd);
}

int ftruncate(int fd, off_t size) {
    REAL("ftruncate", cut_t);
    int error = below(fd) ? struck() : 0;
    return error ? fail(error) : real(fd, size);
}

int ftruncate64(int fd, off_t size) {
    REAL("ftruncate64", cut_t);
    int error = below(fd) ? struck() : 0;
    return error ? fail(error) : real(fd, size);
}

int rename(const char *from, const char *to) {
    REAL("rename", rename_t);
    int error = folder[0] && strncmp(to, folder, strlen(folder)) == 0 ? struck() : 0;
    return error ? fail(error) : real(from, to);
}

int unlink(const char *path) {
    REAL("unlink", unlink_t);
    int error = folder[0] && strncmp(path, folder, strlen(folder)) == 0 ? struck() : 0;
    return error ? fail(error) : real(path);
}
