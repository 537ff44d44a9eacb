/* Prints where a C compiler for Windows puts what the link writes and reads, as one JSON object. */
#include <winsock2.h>
#include <ws2ipdef.h>
#include <windows.h>
#include <iphlpapi.h>
#include <netioapi.h>
#include <wintrust.h>
#include <softpub.h>
#include <stddef.h>
#include <stdio.h>

#define BEGIN(type) printf("%s\"%s\":{", started++ ? "," : "", #type)
#define AT(name, type, field) printf("\"%s\":%d,", name, (int)offsetof(type, field))
#define LAST(name, type, field) printf("\"%s\":%d}", name, (int)offsetof(type, field))
#define END(type) printf("\"BYTES\":%d}", (int)sizeof(type))

static int started;

int main(void) {
  printf("{");
  BEGIN(SOCKADDR_INET);
  AT("FAMILY", SOCKADDR_INET, si_family);
  AT("IPV4_ADDRESS", SOCKADDR_INET, Ipv4.sin_addr);
  AT("IPV6_ADDRESS", SOCKADDR_INET, Ipv6.sin6_addr);
  END(SOCKADDR_INET);
  BEGIN(MIB_UNICASTIPADDRESS_ROW);
  AT("ADDRESS", MIB_UNICASTIPADDRESS_ROW, Address);
  AT("LUID", MIB_UNICASTIPADDRESS_ROW, InterfaceLuid);
  AT("INDEX", MIB_UNICASTIPADDRESS_ROW, InterfaceIndex);
  AT("PREFIX_ORIGIN", MIB_UNICASTIPADDRESS_ROW, PrefixOrigin);
  AT("SUFFIX_ORIGIN", MIB_UNICASTIPADDRESS_ROW, SuffixOrigin);
  AT("VALID_LIFETIME", MIB_UNICASTIPADDRESS_ROW, ValidLifetime);
  AT("PREFERRED_LIFETIME", MIB_UNICASTIPADDRESS_ROW, PreferredLifetime);
  AT("PREFIX_LENGTH", MIB_UNICASTIPADDRESS_ROW, OnLinkPrefixLength);
  AT("SKIP_AS_SOURCE", MIB_UNICASTIPADDRESS_ROW, SkipAsSource);
  AT("DAD_STATE", MIB_UNICASTIPADDRESS_ROW, DadState);
  AT("SCOPE_ID", MIB_UNICASTIPADDRESS_ROW, ScopeId);
  AT("CREATED", MIB_UNICASTIPADDRESS_ROW, CreationTimeStamp);
  END(MIB_UNICASTIPADDRESS_ROW);
  BEGIN(MIB_IPINTERFACE_ROW);
  AT("FAMILY", MIB_IPINTERFACE_ROW, Family);
  AT("LUID", MIB_IPINTERFACE_ROW, InterfaceLuid);
  AT("INDEX", MIB_IPINTERFACE_ROW, InterfaceIndex);
  AT("ROUTER_DISCOVERY", MIB_IPINTERFACE_ROW, RouterDiscoveryBehavior);
  AT("DAD_TRANSMITS", MIB_IPINTERFACE_ROW, DadTransmits);
  AT("LINK_LOCAL_BEHAVIOR", MIB_IPINTERFACE_ROW, LinkLocalAddressBehavior);
  AT("SITE_PREFIX_LENGTH", MIB_IPINTERFACE_ROW, SitePrefixLength);
  AT("METRIC", MIB_IPINTERFACE_ROW, Metric);
  AT("MTU", MIB_IPINTERFACE_ROW, NlMtu);
  END(MIB_IPINTERFACE_ROW);
  BEGIN(MIB_IPFORWARD_ROW2);
  AT("LUID", MIB_IPFORWARD_ROW2, InterfaceLuid);
  AT("INDEX", MIB_IPFORWARD_ROW2, InterfaceIndex);
  AT("DESTINATION", MIB_IPFORWARD_ROW2, DestinationPrefix);
  AT("PREFIX_LENGTH", MIB_IPFORWARD_ROW2, DestinationPrefix.PrefixLength);
  AT("NEXT_HOP", MIB_IPFORWARD_ROW2, NextHop);
  AT("SITE_PREFIX_LENGTH", MIB_IPFORWARD_ROW2, SitePrefixLength);
  AT("VALID_LIFETIME", MIB_IPFORWARD_ROW2, ValidLifetime);
  AT("PREFERRED_LIFETIME", MIB_IPFORWARD_ROW2, PreferredLifetime);
  AT("METRIC", MIB_IPFORWARD_ROW2, Metric);
  AT("PROTOCOL", MIB_IPFORWARD_ROW2, Protocol);
  AT("LOOPBACK", MIB_IPFORWARD_ROW2, Loopback);
  AT("AUTOCONFIGURE", MIB_IPFORWARD_ROW2, AutoconfigureAddress);
  AT("PUBLISH", MIB_IPFORWARD_ROW2, Publish);
  AT("IMMORTAL", MIB_IPFORWARD_ROW2, Immortal);
  AT("AGE", MIB_IPFORWARD_ROW2, Age);
  AT("ORIGIN", MIB_IPFORWARD_ROW2, Origin);
  END(MIB_IPFORWARD_ROW2);
  BEGIN(MIB_IF_ROW2);
  AT("LUID", MIB_IF_ROW2, InterfaceLuid);
  AT("INDEX", MIB_IF_ROW2, InterfaceIndex);
  AT("GUID", MIB_IF_ROW2, InterfaceGuid);
  AT("ALIAS", MIB_IF_ROW2, Alias);
  AT("DESCRIPTION", MIB_IF_ROW2, Description);
  AT("OUT_DISCARDS", MIB_IF_ROW2, OutDiscards);
  END(MIB_IF_ROW2);
  BEGIN(WINTRUST_FILE_INFO);
  AT("SIZE", WINTRUST_FILE_INFO, cbStruct);
  AT("PATH", WINTRUST_FILE_INFO, pcwszFilePath);
  AT("HANDLE", WINTRUST_FILE_INFO, hFile);
  END(WINTRUST_FILE_INFO);
  BEGIN(WINTRUST_DATA);
  AT("SIZE", WINTRUST_DATA, cbStruct);
  AT("UI_CHOICE", WINTRUST_DATA, dwUIChoice);
  AT("REVOCATION_CHECKS", WINTRUST_DATA, fdwRevocationChecks);
  AT("UNION_CHOICE", WINTRUST_DATA, dwUnionChoice);
  AT("FILE", WINTRUST_DATA, pFile);
  AT("STATE_ACTION", WINTRUST_DATA, dwStateAction);
  AT("STATE_DATA", WINTRUST_DATA, hWVTStateData);
  AT("PROVIDER_FLAGS", WINTRUST_DATA, dwProvFlags);
  /* The Windows SDK of Windows 8 and later has a pointer more behind dwUIContext; with its size both work. */
  printf("\"BYTES\":%d}", (int)(offsetof(WINTRUST_DATA, dwUIContext) + sizeof(DWORD) + sizeof(void *)));
  BEGIN(CRYPT_PROVIDER_CERT);
  LAST("CONTEXT", CRYPT_PROVIDER_CERT, pCert);
  printf("}\n");
  return 0;
}
