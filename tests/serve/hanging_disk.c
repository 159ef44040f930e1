#include "tests/serve/hanging_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FILE_NODE = 2, /* the root is FUSE_ROOT_ID, 1 */
    QUESTION_MAX = FUSE_MIN_READ_BUFFER + (1 << 17),
};

static const char content[] = "late\n";

/* ---- answers ---- */

static void answer(int fuse, const struct fuse_in_header *question, int error, const void *body,
                   size_t len)
{
    struct fuse_out_header header = { .len = (uint32_t)(sizeof(header) + len),
                                      .error = -error,
                                      .unique = question->unique };
    struct iovec parts[] = { { &header, sizeof(header) }, { (void *)(uintptr_t)body, len } };

    if (writev(fuse, parts, 2) < 0 && errno != ENOENT) /* ENOENT: who asked has gone */
        _exit(1);
}

static struct fuse_attr attributes(uint64_t node)
{
    return (struct fuse_attr){ .ino = node,
                               .size = node == FILE_NODE ? sizeof(content) - 1 : 0,
                               .mode = node == FILE_NODE ? S_IFREG | 0644 : S_IFDIR | 0755,
                               .nlink = 1,
                               .blksize = 4096 };
}

static void answer_init(int fuse, const struct fuse_in_header *question)
{
    const struct fuse_init_in *in = (const void *)(question + 1);
    struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION,
                                 .minor = FUSE_KERNEL_MINOR_VERSION,
                                 .max_readahead = in->max_readahead,
                                 .max_write = 4096 };

    answer(fuse, question, 0, &out, sizeof(out));
}

static void answer_lookup(int fuse, const struct fuse_in_header *question)
{
    struct fuse_entry_out out = { .nodeid = FILE_NODE, .attr = attributes(FILE_NODE) };

    if (strcmp((const char *)(question + 1), "file") == 0)
        answer(fuse, question, 0, &out, sizeof(out));
    else
        answer(fuse, question, ENOENT, NULL, 0);
}

static void answer_getattr(int fuse, const struct fuse_in_header *question)
{
    struct fuse_attr_out out = { .attr = attributes(question->nodeid) };

    answer(fuse, question, 0, &out, sizeof(out));
}

/* Says that somebody is blocked, and lets it be until the other end of the pipe closes. */
static void answer_open(int fuse, const struct fuse_in_header *question,
                        const struct hanging_disk *disk)
{
    struct fuse_open_out out = { 0 };
    char nothing;

    if (write(disk->asked[1], "", 1) != 1 || read(disk->let_go[0], &nothing, 1) != 0)
        _exit(1);
    answer(fuse, question, 0, &out, sizeof(out));
}

static void answer_read(int fuse, const struct fuse_in_header *question)
{
    const struct fuse_read_in *in = (const void *)(question + 1);
    size_t from = in->offset < sizeof(content) - 1 ? (size_t)in->offset : sizeof(content) - 1;
    size_t len = sizeof(content) - 1 - from;

    answer(fuse, question, 0, content + from, len < in->size ? len : in->size);
}

static void answer_one(int fuse, const struct fuse_in_header *question,
                       const struct hanging_disk *disk)
{
    switch (question->opcode) {
    case FUSE_INIT:
        answer_init(fuse, question);
        break;
    case FUSE_LOOKUP:
        answer_lookup(fuse, question);
        break;
    case FUSE_GETATTR:
        answer_getattr(fuse, question);
        break;
    case FUSE_OPEN:
        answer_open(fuse, question, disk);
        break;
    case FUSE_READ:
        answer_read(fuse, question);
        break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT: /* want no answer */
        break;
    case FUSE_RELEASE:
    case FUSE_FLUSH:
        answer(fuse, question, 0, NULL, 0);
        break;
    default:
        answer(fuse, question, ENOSYS, NULL, 0);
        break;
    }
}

/* The process of the disk: answers the kernel until it is unmounted. */
static void answer_all(int fuse, const struct hanging_disk *disk)
{
    static union {
        struct fuse_in_header header;
        char bytes[QUESTION_MAX];
    } question;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(disk->let_go[1]);
    for (;;) {
        ssize_t got = read(fuse, question.bytes, sizeof(question.bytes) - 1);
        if (got < 0 && errno != EINTR && errno != ENOENT && errno != EAGAIN)
            _exit(0);
        if (got < (ssize_t)sizeof(question.header))
            continue;
        question.bytes[got] = '\0';
        answer_one(fuse, &question.header, disk);
    }
}

/* ---- the test's side ---- */

static bool write_line(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return written;
}

/* Becomes one who may mount, in a name space that ends with this test. Who is not root
 * is, in a user name space, still itself. */
static bool enter_name_space(void)
{
    uid_t user = geteuid();
    gid_t group = getegid();
    char map[40];

    if (unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return false;
    snprintf(map, sizeof(map), "%u %u 1", user, user);
    if (user != 0 && !write_line("/proc/self/uid_map", map))
        return false;
    snprintf(map, sizeof(map), "%u %u 1", group, group);
    if (user != 0 &&
        (!write_line("/proc/self/setgroups", "deny") || !write_line("/proc/self/gid_map", map)))
        return false;
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static bool mount_on(const char *path, int fuse)
{
    char options[120];

    if (!enter_name_space())
        return false;
    snprintf(options, sizeof(options), "fd=%d,rootmode=40755,user_id=%u,group_id=%u,allow_other",
             fuse, geteuid(), getegid());
    return mount("muxd-test", path, "fuse", MS_NOSUID | MS_NODEV, options) == 0;
}

bool hanging_disk_mount(struct hanging_disk *disk, struct server *server, const char *path)
{
    int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);

    *disk = (struct hanging_disk){ .server = server, .path = server_path(server, path) };
    if (fuse < 0)
        return false;
    ck_assert(mkdir(disk->path, 0755) == 0 || errno == EEXIST);
    if (!mount_on(disk->path, fuse)) {
        int error = errno;
        close(fuse);
        errno = error;
        return false;
    }
    ck_assert_int_eq(pipe2(disk->asked, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(disk->let_go, O_CLOEXEC), 0);
    disk->pid = fork();
    ck_assert_int_ge(disk->pid, 0);
    if (disk->pid == 0)
        answer_all(fuse, disk);
    close(fuse);
    return true;
}

void hanging_disk_wait(struct hanging_disk *disk)
{
    struct pollfd asked = { .fd = disk->asked[0], .events = POLLIN };
    char byte;

    ck_assert_msg(poll(&asked, 1, DEADLINE) == 1, "nobody opens the file");
    ck_assert_int_eq(read(disk->asked[0], &byte, 1), 1);
}

void hanging_disk_let_go(struct hanging_disk *disk)
{
    close(disk->let_go[1]);
    disk->let_go[1] = -1;
}

void hanging_disk_remove(struct hanging_disk *disk)
{
    if (disk->pid == 0)
        return;
    kill(disk->pid, SIGKILL);
    waitpid(disk->pid, NULL, 0);
    disk->pid = 0;
    umount2(disk->path, MNT_DETACH);
}
