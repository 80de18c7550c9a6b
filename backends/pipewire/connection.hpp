// SPDX-License-Identifier: MIT
#pragma once

// A connection to a PipeWire server and what its registry shows: nodes, ports, default devices, clock
// settings.

#include <rill_io/error.hpp>
#include <rill_io/pipewire.hpp>

#include <pipewire/extensions/metadata.h>
#include <pipewire/pipewire.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

namespace rill::io::pipewire {

struct Node {
    std::string serial;
    std::string name;
    std::string description;
    std::string media_class; ///< "Audio/Sink", "Audio/Source", ...
    int priority = 0;        ///< priority.session: which one a session manager would take
};

struct Port {
    std::uint32_t node = 0;  ///< the owner's id
    std::uint32_t index = 0; ///< its place among the node's ports of this direction
    std::string name;
    bool output = false;
    bool monitor = false;
};

/// Everything below the loop's lock, which open() and the functions marked so take themselves.
class Connection {
public:
    Connection() = default;
    ~Connection() { close(); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Holds the loop's lock for a scope. Not to be taken on the loop's own thread.
    class Lock {
    public:
        explicit Lock(const Connection& connection) : loop_(connection.loop_) { pw_thread_loop_lock(loop_); }
        ~Lock() { pw_thread_loop_unlock(loop_); }
        Lock(const Lock&) = delete;
        Lock& operator=(const Lock&) = delete;

    private:
        pw_thread_loop* loop_;
    };

    /// Connects (or adopts). Takes the lock itself.
    Result<void> open(const Options& options);
    /// Starts the loop's thread, if it is ours: until then nothing is sent, and then all at once. Idempotent.
    Result<void> run();
    /// Asks for nodes, ports, default devices and the clock's settings, without waiting for them. Idempotent.
    /// With the lock held.
    void list();
    /// list(), and waits until all is there. Bounded in time. With the lock held.
    Result<void> wait_until_listed();
    /// What to say when it does not answer.
    [[nodiscard]] Error no_answer() const;
    /// Stops the loop before all else, so that nothing calls back any more. Without the lock.
    void stop_loop();
    /// Idempotent. Without the lock.
    void close();

    /// Waits until `done` holds, looking again after every event; false after `timeout_ms` or when the server
    /// is gone. With the lock held.
    template <class Done>
    [[nodiscard]] bool wait_until(int timeout_ms, Done done) {
        timespec deadline{};
        pw_thread_loop_get_time(loop_, &deadline, std::int64_t{timeout_ms} * 1'000'000);
        while (!done()) {
            if (lost_ || pw_thread_loop_timed_wait_full(loop_, &deadline) < 0)
                return done();
        }
        return true;
    }
    /// Waits until the server has handled all that was sent. With the lock held.
    [[nodiscard]] bool round_trip(int timeout_ms);

    /// Called on the loop's thread, with the lock held, when a node, a port or a default comes, goes or
    /// changes.
    void on_change(void (*function)(void*), void* argument) {
        change_ = function;
        change_argument_ = argument;
    }
    /// Called on the loop's thread when the server is gone.
    void on_lost(void (*function)(void*, int), void* argument) {
        lose_ = function;
        lose_argument_ = argument;
    }

    [[nodiscard]] pw_core* core() const { return core_; }
    [[nodiscard]] pw_thread_loop* loop() const { return loop_; }
    [[nodiscard]] bool lost() const { return lost_; }
    [[nodiscard]] const std::map<std::uint32_t, Node>& nodes() const { return nodes_; }
    [[nodiscard]] const std::map<std::uint32_t, Port>& ports() const { return ports_; }
    /// The default device's node name, chosen by the session manager or else by priority; empty if there is
    /// none.
    [[nodiscard]] std::string default_node(bool playback) const;
    [[nodiscard]] std::uint32_t rate() const { return rate_; }

private:
    Result<void> connect(const Options& options);
    void changed();
    void add(std::uint32_t id, const char* type, const spa_dict& properties);
    void bind_metadata(std::uint32_t id, const char* name);
    int metadata_changed(bool settings, std::uint32_t subject, const char* key, const char* value);

    static void core_done(void* self, std::uint32_t id, int sequence) noexcept;
    static void core_error(void* self, std::uint32_t id, int sequence, int result,
                           const char* message) noexcept;
    static void registry_global(void* self, std::uint32_t id, std::uint32_t permissions, const char* type,
                                std::uint32_t version, const spa_dict* properties) noexcept;
    static void registry_global_remove(void* self, std::uint32_t id) noexcept;

    bool open_ = false;
    bool owned_ = false;
    bool running_ = false; ///< the loop, if it is ours
    pw_thread_loop* loop_ = nullptr;
    pw_context* context_ = nullptr;
    pw_core* core_ = nullptr;
    pw_registry* registry_ = nullptr;
    /// A bound metadata object; a session manager that restarts brings a new one.
    struct Metadata {
        std::uint32_t id = 0;
        pw_proxy* proxy = nullptr;
        spa_hook hook{};
    };
    Metadata defaults_;
    Metadata settings_;
    spa_hook core_hook_{};
    spa_hook registry_hook_{};
    int last_done_ = -1;
    std::atomic<bool> lost_{false}; ///< written by the loop
    std::map<std::uint32_t, Node> nodes_;
    std::map<std::uint32_t, Port> ports_;
    std::string default_sink_;
    std::string default_source_;
    std::uint32_t rate_ = 0;
    void (*change_)(void*) = nullptr;
    void* change_argument_ = nullptr;
    void (*lose_)(void*, int) = nullptr;
    void* lose_argument_ = nullptr;
};

} // namespace rill::io::pipewire
