// SPDX-License-Identifier: MIT
#include "backend_choice.hpp"

namespace rill::io::tools {

void silence_backend_libraries() {
    for_each_backend(EnabledBackends{}, []<class B>() {
        if constexpr (requires { B::silence_messages(); })
            B::silence_messages();
    });
}

} // namespace rill::io::tools
