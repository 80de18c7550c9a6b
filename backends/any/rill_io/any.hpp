// SPDX-License-Identifier: MIT
#pragma once

// any: whichever backend of this build is chosen when it is opened, behind one type, for code that can't be a
// template. Everything else is as with the backend itself, but for what this costs: one visit of a variant
// per cycle to fetch the window (bench/callback counts it), no options of the backend's own, and no device
// list.
//
// Cycle thread, clock, rate, quantum, channels: the chosen backend's. Where the compiler can know more, use
// Selector, whose visit is outside the cycle.

#include <rill_io/backends.hpp>
#include <rill_io/choice.hpp>
#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/error.hpp>
#include <rill_io/stream.hpp>
#include <rill_io/tick.hpp>
#include <rill_io/window.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <variant>

namespace rill::io::any {

struct Options {
    Choice choice{}; ///< default: the first backend that can be opened
};

template <class List>
class Session {
public:
    using Options = any::Options;

    Result<void> open(const StreamConfig& config, const Options& options, Stream& stream) {
        return choose_backend<List>(options.choice, config, config.input_channels != 0,
                                    config.output_channels != 0, attempts_, [&]<class B>() {
                                        stream.reset(); // (another one may have begun to fill it)
                                        auto& session = session_.template emplace<typename B::Session>();
                                        auto opened = session.open(config, typename B::Options{}, stream);
                                        if (opened)
                                            stream.negotiated.backend = B::name;
                                        else
                                            session_.template emplace<std::monostate>();
                                        return opened;
                                    });
    }
    template <class Cycle>
    Result<void> start(void* engine) {
        return visit<Result<void>>([&](auto& session) { return session.template start<Cycle>(engine); });
    }
    Result<void> stop() {
        return visit<Result<void>>([](auto& session) { return session.stop(); });
    }
    bool close() {
        const bool quiet = visit<bool>([](auto& session) { return session.close(); });
        if (quiet)
            session_.template emplace<std::monostate>();
        return quiet;
    }

    template <std::size_t Inputs, std::size_t Outputs, class... Memory>
    [[gnu::always_inline]] void fetch(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames,
                                      const Memory&... memory) noexcept {
        visit_called<void, Memory...>([&](auto& session) {
            session.template fetch<Inputs, Outputs>(capture, playback, frames, memory...);
        });
        next_cycle(frames);
    }
    template <class... Memory>
    bool fetch_checked(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames,
                       const Memory&... memory) noexcept {
        next_cycle(frames);
        return visit_called<bool, Memory...>(
            [&](auto& session) { return session.fetch_checked(capture, playback, frames, memory...); });
    }
    [[nodiscard]] bool owns_cycle_thread() const noexcept {
        return visit<bool>([](const auto& session) { return session.owns_cycle_thread(); });
    }
    /// The server's counter; where there is none, a count of what was delivered: nothing is ever missing.
    [[nodiscard]] std::uint32_t frame_time() const noexcept {
        return visit<std::uint32_t>([&](const auto& session) {
            if constexpr (requires { session.frame_time(); })
                return session.frame_time();
            else
                return delivered_;
        });
    }

    static std::uint64_t time_ns(const void* self, std::int32_t offset) noexcept {
        return static_cast<const Session*>(self)->template visit<std::uint64_t>(
            [&]<class S>(const S& session) {
                return S::tick_source.time_ns != nullptr ? S::tick_source.time_ns(&session, offset) : 0;
            });
    }
    static double tempo(const void* self) noexcept {
        return static_cast<const Session*>(self)->template visit<double>([]<class S>(const S& session) {
            return S::tick_source.tempo != nullptr ? S::tick_source.tempo(&session) : 0.0;
        });
    }
    static double speed(const void* self) noexcept {
        return static_cast<const Session*>(self)->template visit<double>([]<class S>(const S& session) {
            return S::tick_source.speed != nullptr ? S::tick_source.speed(&session) : 1.0;
        });
    }
    static constexpr TickSource tick_source{
        .time_ns = &Session::time_ns, .tempo = &Session::tempo, .speed = &Session::speed};

    /// What open() tried. Thread: control.
    [[nodiscard]] const Attempts& attempts() const noexcept { return attempts_; }

private:
    template <class... Backends>
    static std::variant<std::monostate, typename Backends::Session...> variant_of(BackendList<Backends...>);

    /// In a cycle that was called with this memory: by one of those sessions that are.
    template <class R, class... Memory, class Function>
    R visit_called(const Function& function) {
        return visit<R>([&]<class S>(S& session) -> R {
            if constexpr (detail::FetchesFrom<S, Memory...>)
                return function(session);
            else
                __builtin_unreachable();
        });
    }

    /// Only between open() and close(): nothing else is called on a session.
    template <class R, class Function>
    R visit(const Function& function) {
        return visit_open<R>(session_, function);
    }
    template <class R, class Function>
    R visit(const Function& function) const {
        return visit_open<R>(session_, function);
    }
    template <class R, class Variant, class Function>
    static R visit_open(Variant& variant, const Function& function) {
        return std::visit(
            [&]<class S>(S& session) -> R {
                if constexpr (std::is_same_v<std::remove_const_t<S>, std::monostate>)
                    __builtin_unreachable();
                else
                    return function(session);
            },
            variant);
    }

    /// `delivered_`: of the cycles before this one.
    void next_cycle(std::uint32_t frames) noexcept {
        delivered_ += cycle_frames_;
        cycle_frames_ = frames;
    }

    decltype(variant_of(List{})) session_;
    std::uint32_t delivered_ = 0;    ///< frames, wraps
    std::uint32_t cycle_frames_ = 0; ///< of the current cycle
    Attempts attempts_;
};

/// The door. (Not in the list of backends: it stands for all of them.)
template <class List>
struct BasicBackend {
    static constexpr const char* name = "any";
    static constexpr bool drives_itself = true;
    static Result<void> available() noexcept { return {}; }
    using Session = any::Session<List>;
    using Options = any::Options;
    using Capture = io::Capture<BasicBackend>;
    using Playback = io::Playback<BasicBackend>;
};

using Backend = BasicBackend<EnabledBackends>;
using Capture = Backend::Capture;
using Playback = Backend::Playback;

static_assert(IoBackend<Backend>);

} // namespace rill::io::any

namespace rill::io {
using AnyBackend = any::Backend;
} // namespace rill::io
