// SPDX-License-Identifier: MIT
#pragma once

// Visits the generated list of backends. Nothing in the program names them.

#include <rill_io/backends.hpp>
#include <rill_io/concepts.hpp>

#include <string_view>
#include <utility>

namespace rill::io::tools {

namespace detail {

template <class... Backends, class Function>
void visit_all(BackendList<Backends...>, Function& function) {
    (function.template operator()<Backends>(), ...);
}

/// Calls it for B if that is the one, and says whether it was.
template <class B, class Function>
bool visit_if_named(std::string_view name, Function& function) {
    if constexpr (B::drives_itself) {
        if (name == B::name) {
            function.template operator()<B>();
            return true;
        }
    }
    return false;
}

template <class... Backends, class Function>
bool visit_named(BackendList<Backends...>, std::string_view name, Function& function) {
    return (visit_if_named<Backends>(name, function) || ...);
}

} // namespace detail

/// Calls `function.operator()<B>()` for every compiled-in backend, in the order of preference.
template <class Function>
void for_each_backend(Function&& function) {
    detail::visit_all(EnabledBackends{}, function);
}

/// The same for the one of this name; false if there is none that a program can run.
template <class Function>
bool visit_backend(std::string_view name, Function&& function) {
    return detail::visit_named(EnabledBackends{}, name, function);
}

} // namespace rill::io::tools
