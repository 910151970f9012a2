"""What would arrive if a page reached a network."""

import socket

import psutil
import pytest

# Lets a page ask a server how it is seen from outside, as calls between browsers begin.
GATHERED = """async (server) => {
    const peer = new RTCPeerConnection({ iceServers: [{ urls: `stun:${server}` }] });
    peer.createDataChannel("any");
    const gathered = new Promise((done) => {
        peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && done();
    });
    await peer.setLocalDescription(await peer.createOffer());
    await gathered;
}"""


def address_of_this_machine() -> str:
    """An address that is not loopback; skips the test where this machine has none."""
    for addresses in psutil.net_if_addrs().values():
        for one in addresses:
            if one.family == socket.AF_INET and not one.address.startswith("127."):
                return one.address
    pytest.skip("this machine has no address in any network")
