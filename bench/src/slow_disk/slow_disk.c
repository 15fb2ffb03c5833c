/* A slow disk below one process: loaded before the C library, it makes syncs and writes of files take their time.
 *
 * The file that SLOW_DISK names says how slow, and may change meanwhile: "<milliseconds of a sync> <bytes a second>". With
 * "0 0", or without the file, the disk is as fast as it is. A disk does one thing after the other, whoever asks. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

struct pace {
    double sync_ms, bytes_per_second;
};

static struct pace pace(void) {
    struct pace found = {0, 0};
    char text[64];
    const char *path = getenv("SLOW_DISK");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return found;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    text[length > 0 ? length : 0] = 0;
    if (sscanf(text, "%lf %lf", &found.sync_ms, &found.bytes_per_second) != 2) abort();
    return found;
}

static int is_file(int fd) {
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

static void be_busy(double seconds) {
    if (seconds <= 0) return;
    struct timespec rest = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    pthread_mutex_lock(&turn);
    while (nanosleep(&rest, &rest) != 0) {}
    pthread_mutex_unlock(&turn);
}

static void before_write(int fd, size_t size) {
    if (!is_file(fd)) return;
    struct pace now = pace();
    if (now.bytes_per_second > 0) be_busy((double)size / now.bytes_per_second);
}

static void before_sync(int fd) {
    if (is_file(fd)) be_busy(pace().sync_ms / 1000);
}

static size_t all(const struct iovec *parts, int count) {
    size_t size = 0;
    for (int at = 0; at < count; at++) size += parts[at].iov_len;
    return size;
}

#define WRITES(name, parameters, arguments, size)  \
    ssize_t name parameters {                      \
        before_write(fd, size);                    \
        return REAL(name) arguments;               \
    }

WRITES(write, (int fd, const void *bytes, size_t size), (fd, bytes, size), size)
WRITES(pwrite, (int fd, const void *bytes, size_t size, off_t at), (fd, bytes, size, at), size)
WRITES(pwrite64, (int fd, const void *bytes, size_t size, off64_t at), (fd, bytes, size, at), size)
WRITES(writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), all(parts, count))

#define SYNCS(name)             \
    int name(int fd) {          \
        before_sync(fd);        \
        return REAL(name)(fd);  \
    }

SYNCS(fsync)
SYNCS(fdatasync)
