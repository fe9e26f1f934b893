"""What counts as one address."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address


@lru_cache(4096)
def bucket_of(host: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 address: who has one has 2^64 of them."""
    try:
        found = ip_address(host)
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(IPv6Address(int(found) >> 64 << 64))
    return str(found)
