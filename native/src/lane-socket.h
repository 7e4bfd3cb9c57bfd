// TCP sockets of the lane: non-blocking, closed on exec, numeric addresses.
#pragma once
#include <cstdint>
#include <string>

namespace omninode {

// Listening on a port that the system chooses; throws Failure(no_lane).
int listen_on(const std::string& host);
// Dialling; whether it connects shows later. Throws Failure(no_lane).
int dial(const std::string& host, uint16_t port);
uint16_t port_of(int fd);
// Whether the other end of a connection has our own address.
bool is_same_machine(int fd);
void prepare_socket(int fd);
void make_non_blocking(int fd);

}  // namespace omninode
