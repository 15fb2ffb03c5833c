/* Keeps what unsynced writes to a database replace, in <file>.undo, until the file is synced.
 *
 * A record: place, size of the file, length (64 bits each, little endian), and so many bytes that stood at that place.
 * It is written before the write that it is about, so that who is killed between the two loses nothing. Files are those
 * whose name ends in .db or .db-wal. With UNSYNCED_FORGETS=never, a sync is answered and nothing is forgotten. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static int ends_with(const char *path, const char *end) {
    size_t path_length = strlen(path), end_length = strlen(end);
    return path_length >= end_length && strcmp(path + path_length - end_length, end) == 0;
}

/* Opens what belongs to a file; -1 when it is none of a database. */
static int undo_of(int fd, int flags) {
    char link[40], path[4096];
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) return -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - sizeof ".undo");
    if (length <= 0) return -1;
    path[length] = 0;
    if (!ends_with(path, ".db") && !ends_with(path, ".db-wal")) return -1;
    strcat(path, ".undo");
    return open(path, flags | O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static void put(int undo, const void *bytes, size_t length) {
    if (length > 0 && REAL(write)(undo, bytes, length) != (ssize_t)length) abort();
}

static void remember(int undo, int fd, off_t place, size_t length) {
    struct stat about;
    if (fstat(fd, &about) != 0) abort();
    size_t kept = about.st_size > place ? (size_t)(about.st_size - place) : 0;
    if (kept > length) kept = length;
    char *record = malloc(24 + kept);
    if (record == NULL) abort();
    uint64_t head[3] = {(uint64_t)place, (uint64_t)about.st_size, kept};
    memcpy(record, head, sizeof head);
    if (kept > 0 && pread(fd, record + sizeof head, kept, place) != (ssize_t)kept) abort();
    put(undo, record, sizeof head + kept);
    free(record);
}

static void forget(int fd) {
    if (getenv("UNSYNCED_FORGETS") != NULL) return;
    int undo = undo_of(fd, O_TRUNC);
    if (undo >= 0) close(undo);
}

#define WATCHED(type, name, parameters, arguments, place, length) \
    type name parameters {                                        \
        int undo = undo_of(fd, O_APPEND);                         \
        if (undo < 0) return REAL(name) arguments;                \
        pthread_mutex_lock(&turn);                                \
        remember(undo, fd, place, length);                        \
        type done = REAL(name) arguments;                         \
        pthread_mutex_unlock(&turn);                              \
        close(undo);                                              \
        return done;                                              \
    }

WATCHED(ssize_t, write, (int fd, const void *bytes, size_t size), (fd, bytes, size), lseek(fd, 0, SEEK_CUR), size)
WATCHED(ssize_t, pwrite, (int fd, const void *bytes, size_t size, off_t at), (fd, bytes, size, at), at, size)
WATCHED(ssize_t, pwrite64, (int fd, const void *bytes, size_t size, off64_t at), (fd, bytes, size, at), at, size)
WATCHED(int, ftruncate, (int fd, off_t size), (fd, size), size, SIZE_MAX)
WATCHED(int, ftruncate64, (int fd, off64_t size), (fd, size), size, SIZE_MAX)

#define SYNCED(name)                      \
    int name(int fd) {                    \
        pthread_mutex_lock(&turn);        \
        int done = REAL(name)(fd);        \
        if (done == 0) forget(fd);        \
        pthread_mutex_unlock(&turn);      \
        return done;                      \
    }

SYNCED(fsync)
SYNCED(fdatasync)
