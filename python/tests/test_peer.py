"""Who holds the other end of a socket."""

from __future__ import annotations

import os
import socket

from synapse_otp.peer import Peer, peer_of


def test_the_peer_of_a_socket_pair_is_the_process_that_made_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer_of(ours) == Peer(os.getpid(), os.geteuid())


def test_a_socket_that_is_none_of_the_systems_own_has_no_peer() -> None:
    with socket.socket(socket.AF_INET) as end:
        peer = peer_of(end)
        assert peer is None or peer.pid == 0


def test_a_peer_is_the_host_when_it_is_the_same_user_and_the_process_that_it_says() -> None:
    assert Peer(7, os.geteuid()).fault(7) is None
    assert Peer(7, os.geteuid()).fault(None) is None
    assert Peer(0, os.geteuid()).fault(7) is None
    assert Peer(7, os.geteuid()).fault(8) == "it says that it is process 8, and is process 7"
    assert "belongs to user" in str(Peer(7, os.geteuid() + 1).fault(7))
