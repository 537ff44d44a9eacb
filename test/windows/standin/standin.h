/*
 * A stand-in for wintun.dll, and for the calls of iphlpapi.dll and powrprof.dll that Wine lacks: for
 * tests alone. Written from the documented behaviour (wintun.h and its README; Microsoft Learn).
 *
 * standin.c is what both stand-ins share: adapters, rings with their documented errors, IP rows.
 * memory.c is a host that tests drive; kernel.c carries packets to the Linux kernel's TUN.
 */
#ifndef TYPETUN_STANDIN_H
#define TYPETUN_STANDIN_H

#include <winsock2.h>
#include <ws2ipdef.h>
#include <windows.h>
#include <iphlpapi.h>
#include <netioapi.h>

#define MIN_RING 0x20000u
#define MAX_RING 0x4000000u
#define MAX_IP_PACKET 0xffffu
#define MAX_ROWS 32

/* One direction: packets one after the other, each behind its size, on 4 bytes. */
struct ring {
  BYTE *data;
  ULONG capacity;
  ULONG head;   /* where the oldest packet begins that still takes room */
  ULONG next;   /* where the next one to hand over begins */
  ULONG tail;   /* where the next one to be written begins */
  ULONG used;   /* bytes from head to tail */
  ULONG unread; /* bytes from next to tail */
};

struct adapter {
  BOOL used, ended, session;
  NET_LUID luid;
  NET_IFINDEX index;
  GUID guid;
  WCHAR name[128];
  ULONG64 made;
  ULONG mtu4, mtu6;
  struct { BOOL set; ULONG dad; int discovery, link_local; } ip[2]; /* of each family, once it was set */
  MIB_UNICASTIPADDRESS_ROW addresses[MAX_ROWS];
  int address_count;
  MIB_IPFORWARD_ROW2 routes[MAX_ROWS];
  int route_count;
  struct ring send, receive; /* host to program, program to host */
  HANDLE read_event;
  BOOL alertable; /* the program found the ring empty: the next packet sets the event */
  ULONG64 out_discards;
  int fd; /* of kernel.c */
  HANDLE thread;
};

extern CRITICAL_SECTION lock;
extern struct adapter adapters[8];

/* Puts a packet of the host's before the program; FALSE, and counted, when the ring is full. */
BOOL host_send(struct adapter *adapter, const BYTE *packet, ULONG size);
/* Takes the oldest packet the program gave; its size, 0 when there is none. */
ULONG host_receive(struct adapter *adapter, BYTE *packet, ULONG capacity);

/* The host behind the adapter. A number is a Windows error. */
DWORD host_open(struct adapter *adapter);
void host_close(struct adapter *adapter);
void host_given(struct adapter *adapter);
DWORD host_set_address(struct adapter *adapter, const MIB_UNICASTIPADDRESS_ROW *row, BOOL add);
DWORD host_set_mtu(struct adapter *adapter, ULONG mtu);
DWORD host_set_route(struct adapter *adapter, const MIB_IPFORWARD_ROW2 *row, BOOL add);

#endif
