/* What the reference programs share: a TUN device in a network namespace. */

#ifndef TYPETUN_BENCH_TUN_H
#define TYPETUN_BENCH_TUN_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

static void die(const char *what) {
  perror(what);
  exit(1);
}

/* Makes the device `name` in the namespace at `netns`; non-blocking. */
static int open_tun(const char *netns, const char *name, int flags) {
  int home = open("/proc/self/ns/net", O_RDONLY);
  int there = open(netns, O_RDONLY);
  if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0) die(netns);
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  if (fd < 0) die("/dev/net/tun");
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI | flags;
  if (ioctl(fd, TUNSETIFF, &request) < 0) die("TUNSETIFF");
  if (setns(home, CLONE_NEWNET) < 0) die("setns");
  close(home);
  close(there);
  return fd;
}

/* Forwards between the two, forever: at most 256 reads of one that is ready, polling only when
   neither has anything. `buffer` holds the largest packet. */
static void forward(int a, int b, char *buffer, size_t bytes) {
  struct pollfd fds[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
  int ready[2] = {0, 0};
  puts("ready");
  fflush(stdout);
  for (;;) {
    if (!ready[0] && !ready[1]) {
      if (poll(fds, 2, -1) < 0) die("poll");
      for (int i = 0; i < 2; i++) ready[i] = fds[i].revents != 0;
    }
    for (int i = 0; i < 2; i++) {
      for (int n = 0; ready[i] && n < 256; n++) {
        ssize_t length = read(fds[i].fd, buffer, bytes);
        if (length < 0) {
          if (errno != EAGAIN) die("read");
          ready[i] = 0;
        } else if (write(fds[1 - i].fd, buffer, length) < 0 && errno != EIO && errno != EINVAL) {
          die("write");
        }
      }
    }
  }
}

#endif
