// SPDX-License-Identifier: MIT
#pragma once

// Selector: a driver whose backend is chosen at start-up. It is visited once, around set-up and run; inside
// the visit the driver has its own type, and everything is as static as if it were the only one.
//
//     Selector<EnabledBackends> selector;
//     auto result = selector.open({.block = 64}, {.backend = "auto"});
//     if (result)
//         result = selector.visit([](auto& driver) {
//             auto graph = Input(driver.capture()) >> Gain(0.5F) >> Output(driver.playback());
//             ProcessingState state(graph);
//             auto set = driver.set_process_callback(state);
//             return set ? driver.run() : set;
//         });

#include <rill_io/choice.hpp>
#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/error.hpp>
#include <rill_io/window.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <variant>

namespace rill::io {

/// The halves that a selected driver has.
enum class Direction : std::uint8_t { duplex, capture, playback };

namespace detail {

/// Stands where a backend can't be run by a program (a plugin host's).
template <class B>
struct NotDriven {};

template <class B, Direction D, std::size_t Block>
struct DriverForImpl {
    using type = Driver<std::conditional_t<D == Direction::playback, NoCapture, typename B::Capture>,
                        std::conditional_t<D == Direction::capture, NoPlayback, typename B::Playback>, Block>;
};

} // namespace detail

/// The driver of a backend in these directions.
template <class B, Direction D = Direction::duplex, std::size_t Block = dynamic_extent>
using DriverFor = typename detail::DriverForImpl<B, D, Block>::type;

/// `List`: a BackendList, most preferred first, such as EnabledBackends. Control functions: one thread at a
/// time; the driver itself may be used as usual.
template <class List, Direction D = Direction::duplex, std::size_t Block = dynamic_extent>
class Selector {
public:
    /// Opens the chosen backend with its own default options. Errors: as choose_backend; `invalid_state` if
    /// one is open. Thread: control. Realtime-safe: no.
    Result<void> open(const StreamConfig& config = {}, const Choice& choice = {}) {
        return open(config, choice, [](auto&, StreamConfig&) {});
    }

    /// The same; before a backend is opened `adjust(options, config)` may change its options, whose type
    /// tells whose they are, and a copy of the config. Thread: control. Realtime-safe: no.
    template <class Adjust>
    Result<void> open(const StreamConfig& config, const Choice& choice, const Adjust& adjust) {
        if (is_open())
            return Error::make(Errc::invalid_state, backend(), "open", 0,
                               "a backend is open already; close() it first");
        return choose_backend<List>(choice, config, D != Direction::playback, D != Direction::capture,
                                    attempts_, [&]<class B>() {
                                        typename B::Options options{};
                                        StreamConfig adjusted = config;
                                        adjust(options, adjusted);
                                        auto& driver = driver_.template emplace<DriverFor<B, D, Block>>();
                                        auto opened = driver.open(adjusted, options);
                                        if (!opened)
                                            driver_.template emplace<std::monostate>();
                                        return opened;
                                    });
    }

    /// Stops and closes what is open. Thread: control. Bounded in time.
    void close() noexcept { driver_.template emplace<std::monostate>(); }

    [[nodiscard]] bool is_open() const noexcept { return driver_.index() != 0; }

    /// The name of the open backend, "" if none is. Static string.
    [[nodiscard]] const char* backend() const noexcept {
        return std::visit(
            []<class T>(const T&) -> const char* {
                if constexpr (requires { typename T::Backend; })
                    return T::Backend::name;
                else
                    return "";
            },
            driver_);
    }

    /// What the last open() tried, with each backend's reason.
    [[nodiscard]] const Attempts& attempts() const noexcept { return attempts_; }

    /// `function(driver)`, which returns Result<void>, with the open driver in its own type. Errors: the
    /// function's; `invalid_state` if nothing is open. Thread: control.
    template <class Function>
    Result<void> visit(Function&& function) {
        return std::visit(
            [&]<class T>(T& driver) -> Result<void> {
                if constexpr (requires { typename T::Backend; })
                    return std::forward<Function>(function)(driver);
                else
                    return Error::make(Errc::invalid_state, "", "visit", 0, "open() a backend first");
            },
            driver_);
    }

private:
    template <class B>
    using Alternative = std::conditional_t<B::drives_itself, detail::DriverForImpl<B, D, Block>,
                                           std::type_identity<detail::NotDriven<B>>>;
    template <class... Backends>
    static std::variant<std::monostate, typename Alternative<Backends>::type...>
        variant_of(BackendList<Backends...>);

    decltype(variant_of(List{})) driver_;
    Attempts attempts_;
};

} // namespace rill::io
