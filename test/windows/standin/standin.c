#include "standin.h"
#include <string.h>
#include <wchar.h>

CRITICAL_SECTION lock;
struct adapter adapters[8];
static ULONG next_index = 40;
static BOOL driver_loaded;

/* What the tests ask for. */
enum { FAIL_CREATE, FAIL_OPEN, FAIL_SESSION, FAIL_ADDRESS, FAIL_ROUTE, FAIL_INTERFACE, FAIL_DNS, FAILS };
static DWORD fail_with[FAILS];
static LONG rows_after[2]; /* ms after an adapter was made; below 0 never */
static WCHAR dns[2][256];
static int dns_given;

__declspec(dllexport) void TestFail(int which, DWORD error) { fail_with[which] = error; }
__declspec(dllexport) void TestRowsAfter(LONG ipv4, LONG ipv6) {
  rows_after[0] = ipv4;
  rows_after[1] = ipv6;
}
__declspec(dllexport) int TestAdapters(void) {
  int count = 0;
  for (int i = 0; i < 8; i++) count += adapters[i].used;
  return count;
}
__declspec(dllexport) int TestSessions(void) {
  int count = 0;
  for (int i = 0; i < 8; i++) count += adapters[i].used && adapters[i].session;
  return count;
}
__declspec(dllexport) int TestRoutes(void) {
  int count = 0;
  for (int i = 0; i < 8; i++) count += adapters[i].used ? adapters[i].route_count : 0;
  return count;
}
__declspec(dllexport) int TestDnsGiven(void) { return dns_given; }

__declspec(dllexport) void TestDns(int ipv6, WCHAR *text) { wcscpy(text, dns[ipv6 != 0]); }

static DWORD fails(int which) {
  DWORD error = fail_with[which];
  fail_with[which] = 0;
  return error;
}

static void *nothing(DWORD error) {
  SetLastError(error);
  return NULL;
}

/* ---- rings ---- */

#define RELEASED 0x80000000u
#define SIZE_OF(word) ((word) & 0x1ffff)
#define ROOM_OF(size) (((size) + 4 + 3) & ~3u)

static ULONG *word_at(struct ring *ring, ULONG at) { return (ULONG *)(ring->data + at); }
static ULONG behind(struct ring *ring, ULONG at, ULONG room) { return (at + room) % ring->capacity; }

static BOOL ring_open(struct ring *ring, ULONG capacity) {
  memset(ring, 0, sizeof *ring);
  ring->capacity = capacity;
  /* A packet that begins near the end goes on behind it. */
  ring->data = VirtualAlloc(NULL, capacity + ROOM_OF(MAX_IP_PACKET), MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
  return ring->data != NULL;
}

static void ring_close(struct ring *ring) {
  if (ring->data) VirtualFree(ring->data, 0, MEM_RELEASE);
  memset(ring, 0, sizeof *ring);
}

/* Room for a packet at the tail; NULL when the ring is full. A ring is never filled to the last word. */
static BYTE *ring_reserve(struct ring *ring, ULONG size) {
  ULONG room = ROOM_OF(size), at = ring->tail;
  if (ring->used + room + 4 > ring->capacity) return NULL;
  *word_at(ring, at) = size;
  ring->tail = behind(ring, at, room);
  ring->used += room;
  ring->unread += room;
  return ring->data + at + 4;
}

/* The next packet, which stays where it is until it is released. */
static BYTE *ring_next(struct ring *ring, ULONG *size) {
  if (ring->unread == 0) return NULL;
  BYTE *packet = ring->data + ring->next + 4;
  *size = SIZE_OF(*word_at(ring, ring->next));
  ring->next = behind(ring, ring->next, ROOM_OF(*size));
  ring->unread -= ROOM_OF(*size);
  return packet;
}

/* Room is given back in order, when all before it was released. */
static void ring_release(struct ring *ring, const BYTE *packet) {
  *word_at(ring, (ULONG)(packet - 4 - ring->data)) |= RELEASED;
  while (ring->used > ring->unread) {
    ULONG word = *word_at(ring, ring->head);
    if (!(word & RELEASED)) return;
    ULONG room = ROOM_OF(SIZE_OF(word));
    ring->head = behind(ring, ring->head, room);
    ring->used -= room;
  }
}

BOOL host_send(struct adapter *adapter, const BYTE *packet, ULONG size) {
  BOOL sent = FALSE;
  EnterCriticalSection(&lock);
  BYTE *place = adapter->session && !adapter->ended ? ring_reserve(&adapter->send, size) : NULL;
  if (place) {
    memcpy(place, packet, size);
    if (adapter->alertable) {
      adapter->alertable = FALSE;
      SetEvent(adapter->read_event);
    }
    sent = TRUE;
  } else {
    adapter->out_discards++;
  }
  LeaveCriticalSection(&lock);
  return sent;
}

/* A packet that was allocated and not sent yet holds up those behind it. */
#define SENT 0x40000000u

ULONG host_receive(struct adapter *adapter, BYTE *packet, ULONG capacity) {
  ULONG size = 0;
  EnterCriticalSection(&lock);
  struct ring *ring = &adapter->receive;
  if (adapter->session && ring->unread > 0 && (*word_at(ring, ring->next) & SENT)) {
    BYTE *place = ring_next(ring, &size);
    if (size <= capacity) memcpy(packet, place, size);
    ring_release(ring, place);
  }
  LeaveCriticalSection(&lock);
  return size;
}

/* ---- wintun.dll ---- */

static struct adapter *find(const WCHAR *name) {
  for (int i = 0; i < 8; i++)
    if (adapters[i].used && _wcsicmp(adapters[i].name, name) == 0) return &adapters[i];
  return NULL;
}

__declspec(dllexport) void *WINAPI WintunCreateAdapter(const WCHAR *name, const WCHAR *type, const GUID *guid) {
  DWORD error = fails(FAIL_CREATE);
  if (error) return nothing(error);
  if (!name || wcslen(name) >= 128 || !type || !*type) return nothing(ERROR_INVALID_PARAMETER);
  if (find(name)) return nothing(ERROR_ALREADY_EXISTS);
  for (int i = 0; i < 8; i++) {
    struct adapter *adapter = &adapters[i];
    if (adapter->used) continue;
    memset(adapter, 0, sizeof *adapter);
    adapter->index = next_index++;
    adapter->luid.Info.IfType = 53;
    /* Not the interface index, and with bits above the 53rd. */
    adapter->luid.Info.NetLuidIndex = 0x8000 + adapter->index;
    adapter->mtu4 = adapter->mtu6 = 65535;
    adapter->made = GetTickCount64();
    wcscpy(adapter->name, name);
    if (guid) adapter->guid = *guid;
    error = host_open(adapter);
    if (error) return nothing(error);
    adapter->used = driver_loaded = TRUE;
    return adapter;
  }
  return nothing(ERROR_NOT_ENOUGH_MEMORY);
}

__declspec(dllexport) void *WINAPI WintunOpenAdapter(const WCHAR *name) {
  DWORD error = fails(FAIL_OPEN);
  struct adapter *adapter = find(name);
  if (error || !adapter) return nothing(error ? error : ERROR_NOT_FOUND);
  /* Odd addresses are handles that do not own the adapter. */
  return (BYTE *)adapter + 1;
}

static struct adapter *owned(void *handle) { return (struct adapter *)((ULONG_PTR)handle & ~(ULONG_PTR)1); }

__declspec(dllexport) void WINAPI WintunCloseAdapter(void *handle) {
  struct adapter *adapter = owned(handle);
  if (!handle || (void *)adapter != handle) return;
  adapter->ended = TRUE;
  host_close(adapter);
  adapter->used = FALSE;
}

__declspec(dllexport) void WINAPI WintunGetAdapterLUID(void *handle, NET_LUID *luid) { *luid = owned(handle)->luid; }

__declspec(dllexport) DWORD WINAPI WintunGetRunningDriverVersion(void) {
  if (!driver_loaded) SetLastError(ERROR_FILE_NOT_FOUND);
  return driver_loaded ? 0x0000000e : 0;
}

__declspec(dllexport) BOOL WINAPI WintunDeleteDriver(void) {
  if (TestAdapters() > 0) {
    SetLastError(ERROR_SHARING_VIOLATION);
    return FALSE;
  }
  driver_loaded = FALSE;
  return TRUE;
}

__declspec(dllexport) void WINAPI WintunSetLogger(void *logger) { (void)logger; }

__declspec(dllexport) void *WINAPI WintunStartSession(void *handle, DWORD capacity) {
  struct adapter *adapter = owned(handle);
  DWORD error = fails(FAIL_SESSION);
  if (error) return nothing(error);
  if (capacity < MIN_RING || capacity > MAX_RING || (capacity & (capacity - 1))) return nothing(ERROR_INVALID_PARAMETER);
  if (adapter->session) return nothing(ERROR_ALREADY_INITIALIZED);
  if (!ring_open(&adapter->send, capacity) || !ring_open(&adapter->receive, capacity)) return nothing(ERROR_NOT_ENOUGH_MEMORY);
  adapter->read_event = CreateEventW(NULL, FALSE, FALSE, NULL);
  adapter->alertable = TRUE;
  EnterCriticalSection(&lock);
  adapter->session = TRUE;
  LeaveCriticalSection(&lock);
  return adapter;
}

__declspec(dllexport) void WINAPI WintunEndSession(void *session) {
  struct adapter *adapter = session;
  EnterCriticalSection(&lock);
  adapter->session = FALSE;
  CloseHandle(adapter->read_event);
  ring_close(&adapter->send);
  ring_close(&adapter->receive);
  LeaveCriticalSection(&lock);
}

__declspec(dllexport) HANDLE WINAPI WintunGetReadWaitEvent(void *session) { return ((struct adapter *)session)->read_event; }

__declspec(dllexport) BYTE *WINAPI WintunReceivePacket(void *session, DWORD *size) {
  struct adapter *adapter = session;
  EnterCriticalSection(&lock);
  BYTE *packet = adapter->ended ? NULL : ring_next(&adapter->send, size);
  if (!packet) {
    adapter->alertable = TRUE;
    SetLastError(adapter->ended ? ERROR_HANDLE_EOF : ERROR_NO_MORE_ITEMS);
  }
  LeaveCriticalSection(&lock);
  return packet;
}

__declspec(dllexport) void WINAPI WintunReleaseReceivePacket(void *session, const BYTE *packet) {
  EnterCriticalSection(&lock);
  ring_release(&((struct adapter *)session)->send, packet);
  LeaveCriticalSection(&lock);
}

__declspec(dllexport) BYTE *WINAPI WintunAllocateSendPacket(void *session, DWORD size) {
  struct adapter *adapter = session;
  BYTE *packet = NULL;
  EnterCriticalSection(&lock);
  if (adapter->ended) SetLastError(ERROR_HANDLE_EOF);
  else if (size == 0 || size > MAX_IP_PACKET) SetLastError(ERROR_INVALID_PARAMETER);
  else if (!(packet = ring_reserve(&adapter->receive, size))) SetLastError(ERROR_BUFFER_OVERFLOW);
  LeaveCriticalSection(&lock);
  return packet;
}

__declspec(dllexport) void WINAPI WintunSendPacket(void *session, const BYTE *packet) {
  struct adapter *adapter = session;
  EnterCriticalSection(&lock);
  *word_at(&adapter->receive, (ULONG)(packet - 4 - adapter->receive.data)) |= SENT;
  LeaveCriticalSection(&lock);
  host_given(adapter);
}

/* ---- iphlpapi.dll ---- */

static struct adapter *of_luid(const NET_LUID *luid) {
  for (int i = 0; i < 8; i++)
    if (adapters[i].used && adapters[i].luid.Value == luid->Value) return &adapters[i];
  return NULL;
}

static struct adapter *with_family(const NET_LUID *luid, ADDRESS_FAMILY family) {
  struct adapter *adapter = of_luid(luid);
  LONG after = rows_after[family == AF_INET6];
  if (!adapter || adapter->ended || after < 0 || GetTickCount64() - adapter->made < (ULONG64)after) return NULL;
  return adapter;
}

DWORD WINAPI Fake_GetIpInterfaceEntry(MIB_IPINTERFACE_ROW *row) {
  if (row->Family != AF_INET && row->Family != AF_INET6) return ERROR_INVALID_PARAMETER;
  struct adapter *adapter = with_family(&row->InterfaceLuid, row->Family);
  if (!adapter) return ERROR_NOT_FOUND;
  row->InterfaceIndex = adapter->index;
  row->NlMtu = row->Family == AF_INET ? adapter->mtu4 : adapter->mtu6;
  row->RouterDiscoveryBehavior = RouterDiscoveryDhcp;
  row->DadTransmits = 3;
  row->LinkLocalAddressBehavior = LinkLocalDelayed;
  if (adapter->ip[row->Family == AF_INET6].set) {
    row->RouterDiscoveryBehavior = adapter->ip[row->Family == AF_INET6].discovery;
    row->DadTransmits = adapter->ip[row->Family == AF_INET6].dad;
    row->LinkLocalAddressBehavior = adapter->ip[row->Family == AF_INET6].link_local;
  }
  row->SitePrefixLength = 64;
  row->Connected = adapter->session;
  return NO_ERROR;
}

DWORD WINAPI Fake_SetIpInterfaceEntry(MIB_IPINTERFACE_ROW *row) {
  DWORD error = fails(FAIL_INTERFACE);
  struct adapter *adapter = with_family(&row->InterfaceLuid, row->Family);
  if (error || !adapter) return error ? error : ERROR_NOT_FOUND;
  /* As Windows: what reading gives for IPv4 is refused when it is set. */
  if (row->Family == AF_INET && row->SitePrefixLength != 0) return ERROR_INVALID_PARAMETER;
  if (row->NlMtu > 65535 || row->NlMtu < (row->Family == AF_INET ? 576u : 1280u)) return ERROR_INVALID_PARAMETER;
  /* As an adapter has to be, or as a new one is. */
  BOOL ours = row->DadTransmits == 0 && row->RouterDiscoveryBehavior == RouterDiscoveryDisabled;
  BOOL fresh = row->DadTransmits == 3 && row->RouterDiscoveryBehavior == RouterDiscoveryDhcp;
  if (!ours && !fresh) return ERROR_INVALID_PARAMETER;
  error = host_set_mtu(adapter, row->NlMtu);
  if (error) return error;
  if (row->Family == AF_INET) adapter->mtu4 = row->NlMtu;
  else adapter->mtu6 = row->NlMtu;
  adapter->ip[row->Family == AF_INET6].set = TRUE;
  adapter->ip[row->Family == AF_INET6].dad = row->DadTransmits;
  adapter->ip[row->Family == AF_INET6].discovery = row->RouterDiscoveryBehavior;
  adapter->ip[row->Family == AF_INET6].link_local = row->LinkLocalAddressBehavior;
  return NO_ERROR;
}

static BOOL same_address(const SOCKADDR_INET *a, const SOCKADDR_INET *b) {
  if (a->si_family != b->si_family) return FALSE;
  return a->si_family == AF_INET ? memcmp(&a->Ipv4.sin_addr, &b->Ipv4.sin_addr, 4) == 0
                                 : memcmp(&a->Ipv6.sin6_addr, &b->Ipv6.sin6_addr, 16) == 0;
}

static int find_address(struct adapter *adapter, const SOCKADDR_INET *address) {
  for (int i = 0; i < adapter->address_count; i++)
    if (same_address(&adapter->addresses[i].Address, address)) return i;
  return -1;
}

DWORD WINAPI Fake_CreateUnicastIpAddressEntry(const MIB_UNICASTIPADDRESS_ROW *row) {
  DWORD error = fails(FAIL_ADDRESS);
  struct adapter *adapter = with_family(&row->InterfaceLuid, row->Address.si_family);
  if (error || !adapter) return error ? error : ERROR_NOT_FOUND;
  if (row->OnLinkPrefixLength > (row->Address.si_family == AF_INET ? 32 : 128)) return ERROR_INVALID_PARAMETER;
  if (row->ValidLifetime != 0xffffffff || row->PreferredLifetime != 0xffffffff || row->DadState != IpDadStatePreferred)
    return ERROR_INVALID_PARAMETER;
  if (find_address(adapter, &row->Address) >= 0) return ERROR_OBJECT_ALREADY_EXISTS;
  if (adapter->address_count == MAX_ROWS) return ERROR_NOT_ENOUGH_MEMORY;
  error = host_set_address(adapter, row, TRUE);
  if (!error) adapter->addresses[adapter->address_count++] = *row;
  return error;
}

DWORD WINAPI Fake_DeleteUnicastIpAddressEntry(const MIB_UNICASTIPADDRESS_ROW *row) {
  struct adapter *adapter = of_luid(&row->InterfaceLuid);
  int at = adapter ? find_address(adapter, &row->Address) : -1;
  if (at < 0) return ERROR_NOT_FOUND;
  host_set_address(adapter, row, FALSE);
  adapter->addresses[at] = adapter->addresses[--adapter->address_count];
  return NO_ERROR;
}

DWORD WINAPI Fake_GetUnicastIpAddressTable(ADDRESS_FAMILY family, MIB_UNICASTIPADDRESS_TABLE **table) {
  MIB_UNICASTIPADDRESS_TABLE *all = calloc(1, sizeof *all + 8 * MAX_ROWS * sizeof(MIB_UNICASTIPADDRESS_ROW));
  for (int i = 0; i < 8; i++)
    for (int j = 0; adapters[i].used && j < adapters[i].address_count; j++)
      if (adapters[i].addresses[j].Address.si_family == family) all->Table[all->NumEntries++] = adapters[i].addresses[j];
  *table = all;
  if (all->NumEntries > 0) return NO_ERROR;
  /* As Windows: no table without rows. */
  free(all);
  *table = NULL;
  return ERROR_NOT_FOUND;
}

static int find_route(struct adapter *adapter, const MIB_IPFORWARD_ROW2 *row) {
  for (int i = 0; i < adapter->route_count; i++)
    if (same_address(&adapter->routes[i].DestinationPrefix.Prefix, &row->DestinationPrefix.Prefix) &&
        adapter->routes[i].DestinationPrefix.PrefixLength == row->DestinationPrefix.PrefixLength)
      return i;
  return -1;
}

DWORD WINAPI Fake_CreateIpForwardEntry2(const MIB_IPFORWARD_ROW2 *row) {
  DWORD error = fails(FAIL_ROUTE);
  struct adapter *adapter = with_family(&row->InterfaceLuid, row->DestinationPrefix.Prefix.si_family);
  if (error || !adapter) return error ? error : ERROR_NOT_FOUND;
  if (row->NextHop.si_family != row->DestinationPrefix.Prefix.si_family) return ERROR_INVALID_PARAMETER;
  if (row->SitePrefixLength > row->DestinationPrefix.PrefixLength || row->Protocol != MIB_IPPROTO_NETMGMT)
    return ERROR_INVALID_PARAMETER;
  if (find_route(adapter, row) >= 0) return ERROR_OBJECT_ALREADY_EXISTS;
  if (adapter->route_count == MAX_ROWS) return ERROR_NOT_ENOUGH_MEMORY;
  error = host_set_route(adapter, row, TRUE);
  if (!error) adapter->routes[adapter->route_count++] = *row;
  return error;
}

DWORD WINAPI Fake_DeleteIpForwardEntry2(const MIB_IPFORWARD_ROW2 *row) {
  struct adapter *adapter = of_luid(&row->InterfaceLuid);
  int at = adapter ? find_route(adapter, row) : -1;
  if (at < 0) return ERROR_NOT_FOUND;
  host_set_route(adapter, row, FALSE);
  adapter->routes[at] = adapter->routes[--adapter->route_count];
  return NO_ERROR;
}

DWORD WINAPI Fake_GetIpForwardEntry2(MIB_IPFORWARD_ROW2 *row) {
  struct adapter *adapter = of_luid(&row->InterfaceLuid);
  int at = adapter ? find_route(adapter, row) : -1;
  if (at < 0) return ERROR_NOT_FOUND;
  *row = adapter->routes[at];
  return NO_ERROR;
}

static void fill(MIB_IF_ROW2 *row, const struct adapter *adapter) {
  memset(row, 0, sizeof *row);
  row->InterfaceLuid = adapter->luid;
  row->InterfaceIndex = adapter->index;
  row->InterfaceGuid = adapter->guid;
  wcscpy(row->Alias, adapter->name);
  wcscpy(row->Description, L"typetun Tunnel");
  row->OutDiscards = adapter->out_discards;
}

DWORD WINAPI Fake_GetIfEntry2(MIB_IF_ROW2 *row) {
  struct adapter *adapter = of_luid(&row->InterfaceLuid);
  if (!adapter) return ERROR_FILE_NOT_FOUND;
  fill(row, adapter);
  return NO_ERROR;
}

DWORD WINAPI Fake_GetIfTable2(MIB_IF_TABLE2 **table) {
  MIB_IF_TABLE2 *all = calloc(1, sizeof *all + 9 * sizeof(MIB_IF_ROW2));
  /* One that is none of ours, as on every machine. */
  wcscpy(all->Table[0].Alias, L"Ethernet");
  wcscpy(all->Table[0].Description, L"Some Gigabit Adapter");
  all->NumEntries = 1;
  for (int i = 0; i < 8; i++)
    if (adapters[i].used) fill(&all->Table[all->NumEntries++], &adapters[i]);
  *table = all;
  return NO_ERROR;
}

void WINAPI Fake_FreeMibTable(void *table) { free(table); }

DWORD WINAPI Fake_ConvertInterfaceLuidToIndex(const NET_LUID *luid, NET_IFINDEX *index) {
  struct adapter *adapter = of_luid(luid);
  if (!adapter) return ERROR_INVALID_PARAMETER;
  *index = adapter->index;
  return NO_ERROR;
}

DWORD WINAPI Fake_ConvertInterfaceLuidToGuid(const NET_LUID *luid, GUID *guid) {
  struct adapter *adapter = of_luid(luid);
  if (!adapter) return ERROR_INVALID_PARAMETER;
  *guid = adapter->guid;
  return NO_ERROR;
}

DWORD WINAPI Fake_ConvertInterfaceLuidToAlias(const NET_LUID *luid, WCHAR *alias, SIZE_T length) {
  struct adapter *adapter = of_luid(luid);
  if (!adapter || wcslen(adapter->name) >= length) return ERROR_INVALID_PARAMETER;
  wcscpy(alias, adapter->name);
  return NO_ERROR;
}

DWORD WINAPI Fake_ConvertInterfaceAliasToLuid(const WCHAR *alias, NET_LUID *luid) {
  struct adapter *adapter = find(alias);
  if (!adapter) return ERROR_INVALID_PARAMETER;
  *luid = adapter->luid;
  return NO_ERROR;
}

/* DNS_INTERFACE_SETTINGS, which mingw's headers lack (netioapi.h of Windows 10 2004). */
struct dns_settings {
  ULONG Version;
  ULONG64 Flags;
  WCHAR *Domain, *NameServer, *SearchList;
  ULONG RegistrationEnabled, RegisterAdapterName, EnableLLMNR, QueryAdapterName;
  WCHAR *ProfileNameServer;
};

DWORD WINAPI Fake_SetInterfaceDnsSettings(GUID guid, const struct dns_settings *settings) {
  DWORD error = fails(FAIL_DNS);
  if (error) return error;
  if (settings->Version != 1 || !(settings->Flags & 2) || settings->Domain || settings->SearchList) return ERROR_INVALID_PARAMETER;
  for (int i = 0; i < 8; i++) {
    if (!adapters[i].used || memcmp(&adapters[i].guid, &guid, sizeof guid) != 0) continue;
    wcsncpy(dns[settings->Flags & 1], settings->NameServer, 255);
    return NO_ERROR;
  }
  return ERROR_NOT_FOUND;
}

/* The family by a flag, what it is by the version alone. */
DWORD WINAPI Fake_GetInterfaceDnsSettings(GUID guid, struct dns_settings *settings) {
  if (settings->Version != 1 || (settings->Flags & ~1ull) || settings->NameServer) return ERROR_INVALID_PARAMETER;
  for (int i = 0; i < 8; i++) {
    if (!adapters[i].used || memcmp(&adapters[i].guid, &guid, sizeof guid) != 0) continue;
    settings->NameServer = HeapAlloc(GetProcessHeap(), 0, sizeof dns[0]);
    memcpy(settings->NameServer, dns[settings->Flags & 1], sizeof dns[0]);
    dns_given++;
    return NO_ERROR;
  }
  return ERROR_NOT_FOUND;
}

void WINAPI Fake_FreeInterfaceDnsSettings(struct dns_settings *settings) {
  HeapFree(GetProcessHeap(), 0, settings->NameServer);
  dns_given--;
}

/* ---- powrprof.dll ---- */

struct subscription {
  ULONG(CALLBACK *callback)(void *context, ULONG type, void *setting);
  void *context;
};
static struct subscription subscriptions[8];

DWORD WINAPI Fake_PowerRegister(DWORD flags, const struct subscription *recipient, void **handle) {
  if (flags != 2) return ERROR_INVALID_PARAMETER;
  for (int i = 0; i < 8; i++) {
    if (subscriptions[i].callback) continue;
    subscriptions[i] = *recipient;
    *handle = &subscriptions[i];
    return ERROR_SUCCESS;
  }
  return ERROR_NOT_ENOUGH_MEMORY;
}

DWORD WINAPI Fake_PowerUnregister(struct subscription *handle) {
  handle->callback = NULL;
  return ERROR_SUCCESS;
}

static DWORD WINAPI call_all(void *type) {
  for (int i = 0; i < 8; i++)
    if (subscriptions[i].callback) subscriptions[i].callback(subscriptions[i].context, (ULONG)(ULONG_PTR)type, NULL);
  return 0;
}

/* As Windows does: from a thread that the program knows nothing of. */
__declspec(dllexport) void TestPower(ULONG type) {
  HANDLE thread = CreateThread(NULL, 0, call_all, (void *)(ULONG_PTR)type, 0, NULL);
  WaitForSingleObject(thread, INFINITE);
  CloseHandle(thread);
}

__declspec(dllexport) int TestSubscriptions(void) {
  int count = 0;
  for (int i = 0; i < 8; i++) count += subscriptions[i].callback != NULL;
  return count;
}

BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, void *reserved) {
  (void)self;
  (void)reserved;
  if (reason == DLL_PROCESS_ATTACH) InitializeCriticalSection(&lock);
  return TRUE;
}
