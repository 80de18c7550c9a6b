// SPDX-License-Identifier: MIT
#include "connection.hpp"

#include "pipewire_library.hpp"

#include <spa/utils/json.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace rill::io::pipewire {

namespace {

constexpr int connect_timeout_ms = 3000;

std::string text(const spa_dict& properties, const char* key) {
    const char* const value = spa_dict_lookup(&properties, key);
    return value != nullptr ? value : "";
}

std::uint32_t number(const spa_dict& properties, const char* key) {
    return static_cast<std::uint32_t>(std::strtoul(text(properties, key).c_str(), nullptr, 10));
}

/// The "name" of a JSON object such as {"name":"alsa_output.usb"}.
std::string name_in(const char* json) {
    spa_json root{};
    spa_json object{};
    char key[64];
    char value[512];
    spa_json_init(&root, json, std::strlen(json));
    if (spa_json_enter_object(&root, &object) <= 0)
        return {};
    while (spa_json_get_string(&object, key, sizeof key) > 0) {
        if (std::string_view(key) == "name")
            return spa_json_get_string(&object, value, sizeof value) > 0 ? value : "";
        const char* skipped = nullptr;
        if (spa_json_next(&object, &skipped) <= 0)
            break;
    }
    return {};
}

} // namespace

Result<void> Connection::open(const Options& options) {
    if (auto loaded = load_library(); !loaded)
        return loaded;
    if ((options.loop == nullptr) != (options.core == nullptr))
        return Error::make(Errc::invalid_config, Backend::name, "open", 0,
                           "a host's loop and core are adopted together; set both or none");
    pw_init(nullptr, nullptr); // counted by libpipewire; close() gives it back
    open_ = true;
    owned_ = options.loop == nullptr;
    if (owned_) {
        if (auto connected = connect(options); !connected) {
            close();
            return connected;
        }
    } else {
        loop_ = options.loop;
        core_ = options.core;
    }
    static const pw_core_events core_events = [] {
        pw_core_events events{};
        events.version = PW_VERSION_CORE_EVENTS;
        events.done = &Connection::core_done;
        events.error = &Connection::core_error;
        return events;
    }();
    const Lock lock(*this);
    pw_core_add_listener(core_, &core_hook_, &core_events, this);
    return {};
}

Result<void> Connection::wait_until_listed() {
    list();
    if (auto started = run(); !started)
        return started;
    // The first answer brings the globals, the second what the metadata found among them says.
    if (round_trip(connect_timeout_ms) && round_trip(connect_timeout_ms))
        return {};
    return no_answer();
}

Error Connection::no_answer() const {
    return Error::make(
        lost_ ? Errc::no_server : Errc::timed_out, Backend::name, "open", 0, "%s",
        lost_ ? "the PipeWire server closed the connection; restart it (systemctl --user restart pipewire)"
              : "the PipeWire server accepts but does not answer; it hangs: restart it");
}

Result<void> Connection::connect(const Options& options) {
    loop_ = pw_thread_loop_new("rill-io-pw", nullptr);
    if (loop_ == nullptr)
        return Error::make(Errc::backend_failure, Backend::name, "open", errno,
                           "the PipeWire loop could not be made: %s", std::strerror(errno));
    // client-rt.conf asks for real-time scheduling of the data thread; where it is missing the ordinary one
    // must do.
    for (const char* const config : {"client-rt.conf", "client.conf"}) {
        context_ = pw_context_new(pw_thread_loop_get_loop(loop_),
                                  pw_properties_new(PW_KEY_CONFIG_NAME, config, nullptr), 0);
        if (context_ != nullptr)
            break;
    }
    if (context_ == nullptr)
        return Error::make(Errc::backend_failure, Backend::name, "open", errno,
                           "libpipewire could not be set up: %s; is PipeWire's configuration installed?",
                           std::strerror(errno));
    pw_properties* properties = nullptr;
    const std::string remote(options.remote);
    if (!remote.empty())
        properties = pw_properties_new(PW_KEY_REMOTE_NAME, remote.c_str(), nullptr);
    core_ = pw_context_connect(context_, properties, 0);
    if (core_ == nullptr) {
        const int reason = errno;
        const Errc code = reason == EACCES || reason == EPERM ? Errc::permission_denied : Errc::no_server;
        return Error::make(
            code, Backend::name, "open", reason,
            "no PipeWire server%s%s answers (%s); start it (systemctl --user start pipewire), or "
            "choose another backend",
            remote.empty() ? "" : " named ", remote.c_str(), std::strerror(reason));
    }
    return {};
}

Result<void> Connection::run() {
    if (!owned_ || std::exchange(running_, true))
        return {};
    if (pw_thread_loop_start(loop_) == 0)
        return {};
    return Error::make(Errc::backend_failure, Backend::name, "open", errno,
                       "PipeWire's loop thread could not be started: %s", std::strerror(errno));
}

void Connection::list() {
    if (registry_ != nullptr)
        return;
    static const pw_registry_events registry_events = [] {
        pw_registry_events events{};
        events.version = PW_VERSION_REGISTRY_EVENTS;
        events.global = &Connection::registry_global;
        events.global_remove = &Connection::registry_global_remove;
        return events;
    }();
    registry_ = pw_core_get_registry(core_, PW_VERSION_REGISTRY, 0);
    pw_registry_add_listener(registry_, &registry_hook_, &registry_events, this);
}

void Connection::stop_loop() {
    if (owned_ && loop_ != nullptr)
        pw_thread_loop_stop(loop_);
}

void Connection::close() {
    if (!std::exchange(open_, false))
        return;
    stop_loop();
    if (!owned_)
        pw_thread_loop_lock(loop_);
    if (registry_ != nullptr) {
        for (Metadata* const metadata : {&defaults_, &settings_})
            if (metadata->proxy != nullptr)
                pw_proxy_destroy(std::exchange(metadata->proxy, nullptr));
        spa_hook_remove(&registry_hook_);
        pw_proxy_destroy(reinterpret_cast<pw_proxy*>(std::exchange(registry_, nullptr)));
    }
    if (core_ != nullptr) {
        spa_hook_remove(&core_hook_); // (does nothing if it was not added)
        core_hook_ = {};
    }
    if (!owned_)
        pw_thread_loop_unlock(loop_);
    if (owned_ && core_ != nullptr)
        pw_core_disconnect(core_);
    if (owned_ && context_ != nullptr)
        pw_context_destroy(context_);
    if (owned_ && loop_ != nullptr)
        pw_thread_loop_destroy(loop_);
    core_ = nullptr;
    context_ = nullptr;
    loop_ = nullptr;
    running_ = false;
    nodes_.clear();
    ports_.clear();
    pw_deinit();
}

bool Connection::round_trip(int timeout_ms) {
    const int sequence = pw_core_sync(core_, PW_ID_CORE, 0);
    return wait_until(timeout_ms, [&] { return last_done_ == sequence; }) && !lost_;
}

std::string Connection::default_node(bool playback) const {
    const std::string& chosen = playback ? default_sink_ : default_source_;
    if (!chosen.empty())
        return chosen;
    const Node* best = nullptr;
    for (const auto& [id, node] : nodes_) {
        const std::string_view kind = node.media_class;
        const bool fits =
            kind.starts_with("Audio/Duplex") || kind.starts_with(playback ? "Audio/Sink" : "Audio/Source");
        if (fits && (best == nullptr || node.priority > best->priority))
            best = &node;
    }
    return best != nullptr ? best->name : "";
}

void Connection::changed() {
    pw_thread_loop_signal(loop_, false);
    if (change_ != nullptr)
        change_(change_argument_);
}

void Connection::add(std::uint32_t id, const char* type, const spa_dict& properties) {
    const std::string_view kind = type;
    if (kind == PW_TYPE_INTERFACE_Node) {
        Node& node = nodes_[id];
        node.serial = text(properties, PW_KEY_OBJECT_SERIAL);
        node.name = text(properties, PW_KEY_NODE_NAME);
        node.description = text(properties, PW_KEY_NODE_DESCRIPTION);
        node.media_class = text(properties, PW_KEY_MEDIA_CLASS);
        node.priority = static_cast<int>(number(properties, PW_KEY_PRIORITY_SESSION));
    } else if (kind == PW_TYPE_INTERFACE_Port) {
        const std::string format = text(properties, PW_KEY_FORMAT_DSP);
        if (format.find("audio") == std::string::npos)
            return; // MIDI, video
        Port& port = ports_[id];
        port.node = number(properties, PW_KEY_NODE_ID);
        port.index = number(properties, PW_KEY_PORT_ID);
        port.name = text(properties, PW_KEY_PORT_NAME);
        port.output = text(properties, PW_KEY_PORT_DIRECTION) == "out";
        port.monitor = text(properties, PW_KEY_PORT_MONITOR) == "true";
    } else if (kind == PW_TYPE_INTERFACE_Metadata) {
        bind_metadata(id, spa_dict_lookup(&properties, PW_KEY_METADATA_NAME));
        return;
    } else {
        return;
    }
    changed();
}

void Connection::bind_metadata(std::uint32_t id, const char* name) {
    const std::string_view which = name != nullptr ? name : "";
    const bool settings = which == "settings";
    if (!settings && which != "default")
        return;
    Metadata& metadata = settings ? settings_ : defaults_;
    if (metadata.proxy != nullptr)
        return;
    static const pw_metadata_events default_events = [] {
        pw_metadata_events events{};
        events.version = PW_VERSION_METADATA_EVENTS;
        events.property = [](void* self, std::uint32_t subject, const char* key, const char*,
                             const char* value) {
            return static_cast<Connection*>(self)->metadata_changed(false, subject, key, value);
        };
        return events;
    }();
    static const pw_metadata_events settings_events = [] {
        pw_metadata_events events = default_events;
        events.property = [](void* self, std::uint32_t subject, const char* key, const char*,
                             const char* value) {
            return static_cast<Connection*>(self)->metadata_changed(true, subject, key, value);
        };
        return events;
    }();
    metadata.id = id;
    metadata.proxy = static_cast<pw_proxy*>(
        pw_registry_bind(registry_, id, PW_TYPE_INTERFACE_Metadata, PW_VERSION_METADATA, 0));
    if (metadata.proxy != nullptr)
        pw_metadata_add_listener(reinterpret_cast<pw_metadata*>(metadata.proxy), &metadata.hook,
                                 settings ? &settings_events : &default_events, this);
}

int Connection::metadata_changed(bool settings, std::uint32_t subject, const char* key, const char* value) {
    if (subject != 0 || key == nullptr)
        return 0;
    const std::string_view what = key;
    if (settings && what == "clock.rate")
        rate_ = static_cast<std::uint32_t>(value != nullptr ? std::strtoul(value, nullptr, 10) : 0);
    else if (!settings && what == "default.audio.sink")
        default_sink_ = value != nullptr ? name_in(value) : "";
    else if (!settings && what == "default.audio.source")
        default_source_ = value != nullptr ? name_in(value) : "";
    else
        return 0;
    changed();
    return 0;
}

void Connection::core_done(void* self, std::uint32_t id, int sequence) noexcept {
    auto& connection = *static_cast<Connection*>(self);
    if (id != PW_ID_CORE)
        return;
    connection.last_done_ = sequence;
    pw_thread_loop_signal(connection.loop_, false);
}

void Connection::core_error(void* self, std::uint32_t id, int, int result, const char*) noexcept {
    auto& connection = *static_cast<Connection*>(self);
    if (id != PW_ID_CORE || result != -EPIPE)
        return; // of one object: its own events tell
    connection.lost_ = true;
    pw_thread_loop_signal(connection.loop_, false);
    if (connection.lose_ != nullptr)
        connection.lose_(connection.lose_argument_, result);
}

void Connection::registry_global(void* self, std::uint32_t id, std::uint32_t, const char* type, std::uint32_t,
                                 const spa_dict* properties) noexcept {
    if (properties != nullptr)
        static_cast<Connection*>(self)->add(id, type, *properties);
}

void Connection::registry_global_remove(void* self, std::uint32_t id) noexcept {
    auto& connection = *static_cast<Connection*>(self);
    for (Metadata* const metadata : {&connection.defaults_, &connection.settings_})
        if (metadata->proxy != nullptr && metadata->id == id)
            pw_proxy_destroy(std::exchange(metadata->proxy, nullptr));
    if (connection.nodes_.erase(id) + connection.ports_.erase(id) != 0)
        connection.changed();
}

} // namespace rill::io::pipewire
