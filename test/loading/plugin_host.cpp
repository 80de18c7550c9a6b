// SPDX-License-Identifier: MIT
//
// plugin_host PLUGIN PLUGIN: two plugins at the same time in a program that knows nothing of JACK.

#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <thread>

int main(int argc, char** argv) {
    if (argc != 3)
        return 64;
    static constexpr const char* client_names[]{"first", "second"};
    bool ran[2]{};
    std::thread threads[2];
    for (int i = 0; i < 2; ++i) {
        // RTLD_GLOBAL: whatever the one exports, the other would find.
        void* const plugin = ::dlopen(argv[i + 1], RTLD_NOW | RTLD_GLOBAL);
        using Run = bool (*)(const char*, std::uint64_t);
        const auto run = plugin != nullptr ? reinterpret_cast<Run>(::dlsym(plugin, "plugin_run")) : nullptr;
        if (run == nullptr) {
            std::fprintf(stderr, "%s\n", ::dlerror());
            return 1;
        }
        threads[i] = std::thread([&ran, run, i] { ran[i] = run(client_names[i], 48000); });
    }
    for (std::thread& thread : threads)
        thread.join();
    return ran[0] && ran[1] ? 0 : 1;
}
