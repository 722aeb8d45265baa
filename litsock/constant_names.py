"""Every constant litsock would like to have, group by group: its name, where C defines it, and what it is for."""

HEADERS = """
sys/socket.h sys/ioctl.h sys/un.h netinet/in.h netinet/ip.h netdb.h errno.h net/ethernet.h linux/in.h linux/in6.h linux/tcp.h
linux/udp.h linux/if_packet.h linux/if_ether.h linux/netlink.h linux/errqueue.h linux/net_tstamp.h
linux/can.h linux/can/raw.h linux/can/bcm.h linux/can/isotp.h linux/can/j1939.h linux/can/gw.h
linux/rds.h linux/tipc.h linux/if_alg.h linux/vm_sockets.h linux/qrtr.h
""".split()

GROUPS = {}


def group(title, headers, lines):
    "File the constants told in `lines` under `title`."
    names = {}
    for line in lines.strip().splitlines():
        word, _, rest = line.strip().partition(" ")
        enum = word == "enum"
        if enum:
            word, _, rest = rest.strip().partition(" ")
        name, _, expression = word.partition("=")
        names[name] = ("enum " if enum else "") + (expression or name), rest.strip()
    GROUPS[title] = headers, names


def c_entry(name, expression, headers):
    "The C lines that put one constant into a table where it exists; `{}` stands for the text to put there."
    entry = "    {}"
    if expression.startswith("enum "):
        expression = expression[5:]
        return expression, [f"#if __has_include(<{headers.split()[0]}>)", entry, "#endif"]
    if expression[:1].isdigit():
        return expression, ["#if defined __linux__ || defined " + name, entry, "#endif"]
    return expression, [f"#ifdef {expression}", entry, "#endif"]


def c_table():
    "C text: the headers, and the names and values of the constants that they define, in one order."
    includes, names, values = [], [], []
    for header in HEADERS:
        includes += [f"#if __has_include(<{header}>)", f"#include <{header}>", "#endif"]
    for headers, members in GROUPS.values():
        for name, (expression, _) in members.items():
            expression, lines = c_entry(name, expression, headers)
            names += [line.format(f'"{name} "') for line in lines]
            values += [line.format(f"(int64_t)({expression}),") for line in lines]
    return "\n".join([
        *includes,
        "static const char constant_names[] =", *names, "    ;",
        "static const int64_t constant_values[] = {", *values, "};",
        "static const int constant_count = sizeof constant_values / sizeof constant_values[0];", ""])


C_CDEF = """
static const char constant_names[];
static const int64_t constant_values[];
static const int constant_count;
"""


group("AF_* constants", "sys/socket.h", """
AF_ALG   to be described
AF_APPLETALK   to be described
AF_ASH   to be described
AF_ATMPVC   to be described
AF_ATMSVC   to be described
AF_AX25   to be described
AF_BRIDGE   to be described
AF_CAN   to be described
AF_DECnet   to be described
AF_ECONET   to be described
AF_INET   to be described
AF_INET6   to be described
AF_IPX   to be described
AF_IRDA   to be described
AF_KEY   to be described
AF_LLC   to be described
AF_NETBEUI   to be described
AF_NETLINK   to be described
AF_NETROM   to be described
AF_PACKET   to be described
AF_PPPOX   to be described
AF_QIPCRTR   to be described
AF_RDS   to be described
AF_ROSE   to be described
AF_ROUTE   to be described
AF_SECURITY   to be described
AF_SNA   to be described
AF_TIPC   to be described
AF_UNIX   to be described
AF_UNSPEC   to be described
AF_VSOCK   to be described
AF_WANPIPE   to be described
AF_X25   to be described
""")

group("AI_* constants", "netdb.h", """
AI_ADDRCONFIG   to be described
AI_ALL   to be described
AI_CANONNAME   to be described
AI_NUMERICHOST   to be described
AI_NUMERICSERV   to be described
AI_PASSIVE   to be described
AI_V4MAPPED   to be described
""")

group("ALG_* constants", "linux/if_alg.h", """
ALG_OP_DECRYPT   to be described
ALG_OP_ENCRYPT   to be described
ALG_OP_SIGN=2   to be described
ALG_OP_VERIFY=3   to be described
ALG_SET_AEAD_ASSOCLEN   to be described
ALG_SET_AEAD_AUTHSIZE   to be described
ALG_SET_IV   to be described
ALG_SET_KEY   to be described
ALG_SET_OP   to be described
ALG_SET_PUBKEY=6   to be described
""")

group("CAN_* constants", "linux/can.h", """
CAN_BCM   to be described
CAN_EFF_FLAG   to be described
CAN_EFF_MASK   to be described
CAN_ERR_FLAG   to be described
CAN_ERR_MASK   to be described
CAN_ISOTP   to be described
CAN_J1939   to be described
CAN_RAW   to be described
CAN_RTR_FLAG   to be described
CAN_SFF_MASK   to be described
""")

group("CAN_BCM_* constants", "linux/can/bcm.h", """
enum CAN_BCM_CAN_FD_FRAME=CAN_FD_FRAME   to be described
enum CAN_BCM_RX_ANNOUNCE_RESUME=RX_ANNOUNCE_RESUME   to be described
enum CAN_BCM_RX_CHANGED=RX_CHANGED   to be described
enum CAN_BCM_RX_CHECK_DLC=RX_CHECK_DLC   to be described
enum CAN_BCM_RX_DELETE=RX_DELETE   to be described
enum CAN_BCM_RX_FILTER_ID=RX_FILTER_ID   to be described
enum CAN_BCM_RX_NO_AUTOTIMER=RX_NO_AUTOTIMER   to be described
enum CAN_BCM_RX_READ=RX_READ   to be described
enum CAN_BCM_RX_RTR_FRAME=RX_RTR_FRAME   to be described
enum CAN_BCM_RX_SETUP=RX_SETUP   to be described
enum CAN_BCM_RX_STATUS=RX_STATUS   to be described
enum CAN_BCM_RX_TIMEOUT=RX_TIMEOUT   to be described
enum CAN_BCM_SETTIMER=SETTIMER   to be described
enum CAN_BCM_STARTTIMER=STARTTIMER   to be described
enum CAN_BCM_TX_ANNOUNCE=TX_ANNOUNCE   to be described
enum CAN_BCM_TX_COUNTEVT=TX_COUNTEVT   to be described
enum CAN_BCM_TX_CP_CAN_ID=TX_CP_CAN_ID   to be described
enum CAN_BCM_TX_DELETE=TX_DELETE   to be described
enum CAN_BCM_TX_EXPIRED=TX_EXPIRED   to be described
enum CAN_BCM_TX_READ=TX_READ   to be described
enum CAN_BCM_TX_RESET_MULTI_IDX=TX_RESET_MULTI_IDX   to be described
enum CAN_BCM_TX_SEND=TX_SEND   to be described
enum CAN_BCM_TX_SETUP=TX_SETUP   to be described
enum CAN_BCM_TX_STATUS=TX_STATUS   to be described
""")

group("CAN_RAW_* constants", "linux/can/raw.h", """
enum CAN_RAW_FD_FRAMES   to be described
enum CAN_RAW_FILTER   to be described
enum CAN_RAW_JOIN_FILTERS   to be described
enum CAN_RAW_LOOPBACK   to be described
enum CAN_RAW_RECV_OWN_MSGS   to be described
""")

group("other_* constants", "sys/socket.h", """
EAGAIN   to be described
EBADF   to be described
EWOULDBLOCK   to be described
SOMAXCONN   to be described
""")

group("EAI_* constants", "netdb.h", """
EAI_ADDRFAMILY   to be described
EAI_AGAIN   to be described
EAI_BADFLAGS   to be described
EAI_FAIL   to be described
EAI_FAMILY   to be described
EAI_MEMORY   to be described
EAI_NODATA   to be described
EAI_NONAME   to be described
EAI_OVERFLOW   to be described
EAI_SERVICE   to be described
EAI_SOCKTYPE   to be described
EAI_SYSTEM   to be described
""")

group("INADDR_* constants", "sys/socket.h", """
INADDR_ALLHOSTS_GROUP   to be described
INADDR_ANY   to be described
INADDR_BROADCAST   to be described
INADDR_LOOPBACK   to be described
INADDR_MAX_LOCAL_GROUP   to be described
INADDR_NONE   to be described
INADDR_UNSPEC_GROUP   to be described
""")

group("IOCTL_* constants", "sys/socket.h", """
IOCTL_VM_SOCKETS_GET_LOCAL_CID   to be described
""")

group("IPPORT_* constants", "sys/socket.h", """
IPPORT_RESERVED   to be described
enum IPPORT_USERRESERVED   to be described
""")

group("IPPROTO_* constants", "netinet/in.h", """
IPPROTO_AH   to be described
IPPROTO_DSTOPTS   to be described
IPPROTO_EGP   to be described
IPPROTO_ESP   to be described
IPPROTO_FRAGMENT   to be described
IPPROTO_GRE   to be described
IPPROTO_HOPOPTS   to be described
IPPROTO_ICMP   to be described
IPPROTO_ICMPV6   to be described
IPPROTO_IDP   to be described
IPPROTO_IGMP   to be described
IPPROTO_IP   to be described
IPPROTO_IPIP   to be described
IPPROTO_IPV6   to be described
IPPROTO_MPTCP   to be described
IPPROTO_NONE   to be described
IPPROTO_PIM   to be described
IPPROTO_PUP   to be described
IPPROTO_RAW   to be described
IPPROTO_ROUTING   to be described
IPPROTO_RSVP   to be described
IPPROTO_SCTP   to be described
IPPROTO_TCP   to be described
IPPROTO_TP   to be described
IPPROTO_UDP   to be described
IPPROTO_UDPLITE   to be described
""")

group("IPV6_* constants", "netinet/in.h", """
IPV6_CHECKSUM   to be described
IPV6_DONTFRAG   to be described
IPV6_DSTOPTS   to be described
IPV6_HOPLIMIT   to be described
IPV6_HOPOPTS   to be described
IPV6_JOIN_GROUP   to be described
IPV6_LEAVE_GROUP   to be described
IPV6_MULTICAST_HOPS   to be described
IPV6_MULTICAST_IF   to be described
IPV6_MULTICAST_LOOP   to be described
IPV6_NEXTHOP   to be described
IPV6_PATHMTU   to be described
IPV6_PKTINFO   to be described
IPV6_RECVDSTOPTS   to be described
IPV6_RECVHOPLIMIT   to be described
IPV6_RECVHOPOPTS   to be described
IPV6_RECVPATHMTU   to be described
IPV6_RECVPKTINFO   to be described
IPV6_RECVRTHDR   to be described
IPV6_RECVTCLASS   to be described
IPV6_RTHDR   to be described
IPV6_RTHDRDSTOPTS   to be described
IPV6_RTHDR_TYPE_0   to be described
IPV6_TCLASS   to be described
IPV6_UNICAST_HOPS   to be described
IPV6_V6ONLY   to be described
""")

group("IP_* constants", "netinet/in.h", """
IP_ADD_MEMBERSHIP   to be described
IP_BIND_ADDRESS_NO_PORT   to be described
IP_DEFAULT_MULTICAST_LOOP   to be described
IP_DEFAULT_MULTICAST_TTL   to be described
IP_DROP_MEMBERSHIP   to be described
IP_HDRINCL   to be described
IP_MAX_MEMBERSHIPS   to be described
IP_MULTICAST_IF   to be described
IP_MULTICAST_LOOP   to be described
IP_MULTICAST_TTL   to be described
IP_OPTIONS   to be described
IP_RECVOPTS   to be described
IP_RECVRETOPTS   to be described
IP_RECVTOS   to be described
IP_RETOPTS   to be described
IP_TOS   to be described
IP_TRANSPARENT   to be described
IP_TTL   to be described
""")

group("J1939_* constants", "linux/can/j1939.h", """
enum J1939_EE_INFO_NONE   to be described
enum J1939_EE_INFO_TX_ABORT   to be described
J1939_FILTER_MAX   to be described
J1939_IDLE_ADDR   to be described
J1939_MAX_UNICAST_ADDR   to be described
enum J1939_NLA_BYTES_ACKED   to be described
enum J1939_NLA_PAD   to be described
J1939_NO_ADDR   to be described
J1939_NO_NAME   to be described
J1939_NO_PGN   to be described
J1939_PGN_ADDRESS_CLAIMED   to be described
J1939_PGN_ADDRESS_COMMANDED   to be described
J1939_PGN_MAX   to be described
J1939_PGN_PDU1_MAX   to be described
J1939_PGN_REQUEST   to be described
enum SCM_J1939_DEST_ADDR   to be described
enum SCM_J1939_DEST_NAME   to be described
enum SCM_J1939_ERRQUEUE   to be described
enum SCM_J1939_PRIO   to be described
enum SO_J1939_ERRQUEUE   to be described
enum SO_J1939_FILTER   to be described
enum SO_J1939_PROMISC   to be described
enum SO_J1939_SEND_PRIO   to be described
""")

group("MSG_* constants", "sys/socket.h", """
MSG_CMSG_CLOEXEC   to be described
MSG_CONFIRM   to be described
MSG_CTRUNC   to be described
MSG_DONTROUTE   to be described
MSG_DONTWAIT   to be described
MSG_EOR   to be described
MSG_ERRQUEUE   to be described
MSG_FASTOPEN   to be described
MSG_MORE   to be described
MSG_NOSIGNAL   to be described
MSG_OOB   to be described
MSG_PEEK   to be described
MSG_TRUNC   to be described
MSG_WAITALL   to be described
""")

group("NETLINK_* constants", "linux/netlink.h", """
NETLINK_CRYPTO   to be described
NETLINK_DNRTMSG   to be described
NETLINK_FIREWALL   to be described
NETLINK_IP6_FW   to be described
NETLINK_NFLOG   to be described
NETLINK_ROUTE   to be described
NETLINK_USERSOCK   to be described
NETLINK_XFRM   to be described
""")

group("NI_* constants", "netdb.h", """
NI_DGRAM   to be described
NI_MAXHOST   to be described
NI_MAXSERV   to be described
NI_NAMEREQD   to be described
NI_NOFQDN   to be described
NI_NUMERICHOST   to be described
NI_NUMERICSERV   to be described
""")

group("PACKET_* constants", "linux/if_packet.h", """
PACKET_BROADCAST   to be described
PACKET_FASTROUTE   to be described
PACKET_HOST   to be described
PACKET_LOOPBACK   to be described
PACKET_MULTICAST   to be described
PACKET_OTHERHOST   to be described
PACKET_OUTGOING   to be described
""")

group("PF_* constants", "sys/socket.h", """
PF_CAN   to be described
PF_PACKET   to be described
PF_RDS   to be described
""")

group("SCM_* constants", "sys/socket.h", """
SCM_CREDENTIALS   to be described
SCM_RIGHTS   to be described
""")

group("SHUT_* constants", "sys/socket.h", """
SHUT_RD   to be described
SHUT_RDWR   to be described
SHUT_WR   to be described
""")

group("SOCK_* constants", "sys/socket.h", """
SOCK_CLOEXEC   to be described
SOCK_DGRAM   to be described
SOCK_NONBLOCK   to be described
SOCK_RAW   to be described
SOCK_RDM   to be described
SOCK_SEQPACKET   to be described
SOCK_STREAM   to be described
""")

group("SOL_* constants", "sys/socket.h", """
SOL_ALG   to be described
SOL_CAN_BASE   to be described
SOL_CAN_RAW   to be described
SOL_IP   to be described
SOL_RDS   to be described
SOL_SOCKET   to be described
SOL_TCP=6   to be described
SOL_TIPC   to be described
SOL_UDP=17   to be described
""")

group("SO_* constants", "sys/socket.h", """
SO_ACCEPTCONN   to be described
SO_BINDTODEVICE   to be described
SO_BROADCAST   to be described
SO_DEBUG   to be described
SO_DOMAIN   to be described
SO_DONTROUTE   to be described
SO_ERROR   to be described
SO_INCOMING_CPU   to be described
SO_KEEPALIVE   to be described
SO_LINGER   to be described
SO_MARK   to be described
SO_OOBINLINE   to be described
SO_PASSCRED   to be described
SO_PASSSEC   to be described
SO_PEERCRED   to be described
SO_PEERSEC   to be described
SO_PRIORITY   to be described
SO_PROTOCOL   to be described
SO_RCVBUF   to be described
SO_RCVLOWAT   to be described
SO_RCVTIMEO   to be described
SO_REUSEADDR   to be described
SO_REUSEPORT   to be described
SO_SNDBUF   to be described
SO_SNDLOWAT   to be described
SO_SNDTIMEO   to be described
SO_TYPE   to be described
SO_VM_SOCKETS_BUFFER_MAX_SIZE   to be described
SO_VM_SOCKETS_BUFFER_MIN_SIZE   to be described
SO_VM_SOCKETS_BUFFER_SIZE   to be described
""")

group("TCP_* constants", "netinet/tcp.h", """
TCP_CONGESTION   to be described
TCP_CORK   to be described
TCP_DEFER_ACCEPT   to be described
TCP_FASTOPEN   to be described
TCP_INFO   to be described
TCP_KEEPCNT   to be described
TCP_KEEPIDLE   to be described
TCP_KEEPINTVL   to be described
TCP_LINGER2   to be described
TCP_MAXSEG   to be described
TCP_NODELAY   to be described
TCP_NOTSENT_LOWAT   to be described
TCP_QUICKACK   to be described
TCP_SYNCNT   to be described
TCP_USER_TIMEOUT   to be described
TCP_WINDOW_CLAMP   to be described
""")

group("TIPC_* constants", "linux/tipc.h", """
TIPC_ADDR_ID   to be described
TIPC_ADDR_NAME   to be described
TIPC_ADDR_NAMESEQ   to be described
TIPC_CFG_SRV   to be described
enum TIPC_CLUSTER_SCOPE   to be described
TIPC_CONN_TIMEOUT   to be described
TIPC_CRITICAL_IMPORTANCE   to be described
TIPC_DEST_DROPPABLE   to be described
TIPC_HIGH_IMPORTANCE   to be described
TIPC_IMPORTANCE   to be described
TIPC_LOW_IMPORTANCE   to be described
TIPC_MEDIUM_IMPORTANCE   to be described
enum TIPC_NODE_SCOPE   to be described
TIPC_PUBLISHED   to be described
TIPC_SRC_DROPPABLE   to be described
TIPC_SUBSCR_TIMEOUT   to be described
TIPC_SUB_CANCEL   to be described
TIPC_SUB_PORTS   to be described
TIPC_SUB_SERVICE   to be described
TIPC_TOP_SRV   to be described
TIPC_WAIT_FOREVER   to be described
TIPC_WITHDRAWN   to be described
TIPC_ZONE_SCOPE   to be described
""")

group("UDPLITE_* constants", "sys/socket.h", """
UDPLITE_RECV_CSCOV=11   to be described
UDPLITE_SEND_CSCOV=10   to be described
""")

group("VMADDR_* constants", "linux/vm_sockets.h", """
VMADDR_CID_ANY   to be described
VMADDR_CID_HOST   to be described
VMADDR_PORT_ANY   to be described
""")

group("VM_* constants", "linux/vm_sockets.h", """
VM_SOCKETS_INVALID_VERSION   to be described
""")
