// SPDX-License-Identifier: MIT
#include "realtime.hpp"

#include <rill_io/pacer.hpp>

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rill::io::alsa {

namespace {

/// The service may first have to be started.
constexpr std::uint64_t patience_ns = 1'000'000'000;
constexpr std::string_view service = "org.freedesktop.RealtimeKit1";
constexpr std::string_view service_path = "/org/freedesktop/RealtimeKit1";

/// Values as D-Bus lays them out: each aligned to its size, in this machine's byte order.
class Writer {
public:
    void align(std::size_t to) { bytes_.resize((bytes_.size() + to - 1) / to * to); }
    void byte(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
    template <class T>
    void number(T value) {
        align(sizeof value);
        const std::size_t at = bytes_.size();
        bytes_.resize(at + sizeof value);
        std::memcpy(bytes_.data() + at, &value, sizeof value);
    }
    void text(std::string_view value) {
        number(static_cast<std::uint32_t>(value.size()));
        bytes_.append(value).push_back('\0');
    }
    void signature(std::string_view value) {
        byte(static_cast<std::uint8_t>(value.size()));
        bytes_.append(value).push_back('\0');
    }
    void append(std::string_view value) { bytes_.append(value); }
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

private:
    std::string bytes_;
};

struct Call {
    std::string_view destination;
    std::string_view path;
    std::string_view interface;
    std::string_view member;
    std::string_view signature;
    std::string_view body;
};

/// One connection to the system's bus, for a few calls. (D-Bus Specification, "Message Protocol",
/// "Authentication Protocol".) Small enough not to need a library with threads and settings of its own.
class Bus {
public:
    Bus() : deadline_ns_(Pacer::now_ns() + patience_ns) {}
    ~Bus() {
        if (socket_ >= 0)
            ::close(socket_);
    }
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;

    bool connect();
    /// The reply's body, if it is one and not an error.
    std::optional<std::string> call(const Call& call);

private:
    bool send(std::string_view bytes);
    bool receive(char* to, std::size_t count);
    bool wait_for(short events);
    bool authenticate();

    static constexpr std::uint8_t type_call = 1;
    static constexpr std::uint8_t type_reply = 2;
    enum Field : std::uint8_t {
        path = 1,
        interface = 2,
        member = 3,
        reply_serial = 5,
        destination = 6,
        signature = 8
    };

    int socket_ = -1;
    std::uint32_t serial_ = 0;
    std::uint64_t deadline_ns_;
};

bool Bus::wait_for(short events) {
    constexpr std::uint64_t ns_per_ms = 1'000'000;
    const std::uint64_t now = Pacer::now_ns();
    if (now >= deadline_ns_)
        return false;
    pollfd descriptor{socket_, events, 0};
    return ::poll(&descriptor, 1, static_cast<int>((deadline_ns_ - now) / ns_per_ms) + 1) > 0;
}

bool Bus::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0)
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        else if ((errno != EAGAIN && errno != EINTR) || !wait_for(POLLOUT))
            return false;
    }
    return true;
}

bool Bus::receive(char* to, std::size_t count) {
    while (count != 0) {
        const ssize_t got = ::recv(socket_, to, count, MSG_DONTWAIT);
        if (got == 0)
            return false;
        if (got > 0) {
            to += got;
            count -= static_cast<std::size_t>(got);
        } else if ((errno != EAGAIN && errno != EINTR) || !wait_for(POLLIN)) {
            return false;
        }
    }
    return true;
}

bool Bus::connect() {
    const char* const configured = ::secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
    std::string_view address = configured != nullptr ? configured : "unix:path=/run/dbus/system_bus_socket";
    address = address.substr(0, address.find(';')); // the first of several
    constexpr std::string_view prefix = "unix:path=";
    if (!address.starts_with(prefix))
        return false;
    address.remove_prefix(prefix.size());
    address = address.substr(0, address.find(','));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (address.empty() || address.size() >= sizeof name.sun_path)
        return false;
    std::copy(address.begin(), address.end(), name.sun_path);
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return socket_ >= 0 && ::connect(socket_, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 &&
           authenticate();
}

bool Bus::authenticate() {
    std::string hex_of_user;
    for (const char digit : std::to_string(::getuid())) {
        std::array<char, 3> hex{};
        std::snprintf(hex.data(), hex.size(), "%02x", static_cast<unsigned>(digit));
        hex_of_user += hex.data();
    }
    if (!send(std::string_view("\0", 1)) || !send("AUTH EXTERNAL " + hex_of_user + "\r\n"))
        return false;
    std::string answer;
    constexpr std::size_t longest_line = 512;
    while (!answer.ends_with("\r\n")) {
        char next = 0;
        if (answer.size() > longest_line || !receive(&next, 1))
            return false;
        answer += next;
    }
    constexpr std::string_view bus = "org.freedesktop.DBus";
    return answer.starts_with("OK ") && send("BEGIN\r\n") &&
           call({bus, "/org/freedesktop/DBus", bus, "Hello", "", ""}).has_value();
}

std::optional<std::string> Bus::call(const Call& call) {
    Writer fields;
    const auto field = [&](Field code, std::string_view type, std::string_view value) {
        constexpr std::size_t struct_alignment = 8;
        fields.align(struct_alignment);
        fields.byte(code);
        fields.signature(type);
        if (type == "g")
            fields.signature(value);
        else
            fields.text(value);
    };
    field(path, "o", call.path);
    field(interface, "s", call.interface);
    field(member, "s", call.member);
    field(destination, "s", call.destination);
    if (!call.signature.empty())
        field(signature, "g", call.signature);

    constexpr std::uint8_t byte_order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B';
    constexpr std::uint8_t protocol_version = 1;
    constexpr std::size_t body_alignment = 8;
    Writer message;
    message.byte(byte_order);
    message.byte(type_call);
    message.byte(0);
    message.byte(protocol_version);
    message.number(static_cast<std::uint32_t>(call.body.size()));
    message.number(++serial_);
    message.number(static_cast<std::uint32_t>(fields.bytes().size()));
    message.append(fields.bytes()); // begins at byte 16: aligned as if by itself
    message.align(body_alignment);
    message.append(call.body);
    if (!send(message.bytes()))
        return std::nullopt;

    // The bus also sends signals; the answer is what names our serial number.
    for (;;) {
        struct {
            std::uint8_t order, type, flags, version;
            std::uint32_t body_bytes, serial, field_bytes;
        } header{};
        constexpr std::uint32_t longest = 1U << 16U;
        if (!receive(reinterpret_cast<char*>(&header), sizeof header) || header.order != byte_order ||
            header.body_bytes > longest || header.field_bytes > longest)
            return std::nullopt;
        std::string head((header.field_bytes + body_alignment - 1) / body_alignment * body_alignment, '\0');
        std::string body(header.body_bytes, '\0');
        if (!receive(head.data(), head.size()) || !receive(body.data(), body.size()))
            return std::nullopt;
        // A field of type u is: code, 1, 'u', 0, value, at a multiple of eight.
        std::uint32_t answers = 0;
        for (std::size_t at = 0; at + 8 <= head.size(); at += 8)
            if (head[at] == char{reply_serial} && head[at + 1] == 1 && head[at + 2] == 'u' &&
                head[at + 3] == 0)
                std::memcpy(&answers, head.data() + at + 4, sizeof answers);
        if (answers != serial_)
            continue;
        if (header.type != type_reply)
            return std::nullopt;
        return body;
    }
}

/// A property of the service, which is a variant of type `T`.
template <class T>
std::optional<T> property(Bus& bus, std::string_view name, char type) {
    Writer body;
    body.text(service);
    body.text(name);
    const auto reply =
        bus.call({service, service_path, "org.freedesktop.DBus.Properties", "Get", "ss", body.bytes()});
    const std::size_t at = std::max(sizeof(T), std::size_t{4}); // behind the variant's signature, aligned
    if (!reply || reply->size() < at + sizeof(T) || (*reply)[1] != type)
        return std::nullopt;
    T value{};
    std::memcpy(&value, reply->data() + at, sizeof value);
    return value;
}

bool limit_real_time(std::int64_t longest_us) {
    rlimit limit{};
    if (longest_us <= 0 || ::getrlimit(RLIMIT_RTTIME, &limit) != 0)
        return false;
    const auto longest = static_cast<rlim_t>(longest_us);
    if (limit.rlim_max <= longest)
        return true;
    limit.rlim_max = longest;
    limit.rlim_cur = std::min(limit.rlim_cur, longest);
    return ::setrlimit(RLIMIT_RTTIME, &limit) == 0;
}

} // namespace

bool ask_realtime_kit(int thread_id, int priority) noexcept {
    try {
        Bus bus;
        if (!bus.connect())
            return false;
        const auto highest = property<std::int32_t>(bus, "MaxRealtimePriority", 'i');
        const auto longest_us = property<std::int64_t>(bus, "RTTimeUSecMax", 'x');
        if (!highest || *highest < 1 || !longest_us || !limit_real_time(*longest_us))
            return false;
        Writer body;
        body.number(static_cast<std::uint64_t>(thread_id));
        body.number(static_cast<std::uint32_t>(std::min(priority, *highest)));
        return bus.call({service, service_path, service, "MakeThreadRealtime", "tu", body.bytes()})
            .has_value();
    } catch (const std::bad_alloc&) {
        return false;
    }
}

} // namespace rill::io::alsa
