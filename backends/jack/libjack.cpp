// SPDX-License-Identifier: MIT
#include "libjack.hpp"

#include "jack_library.hpp"
#include <rill_io/jack.hpp>

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <list>
#include <mutex>
#include <optional>
#include <string>

namespace rill::io::jack {

namespace {

constexpr const char* soname = "libjack.so.0";

/// A copy's names mean itself before the libjack that the program is linked to.
#ifdef RTLD_DEEPBIND
constexpr int finds_itself_first = RTLD_DEEPBIND;
#else
constexpr int finds_itself_first = 0; // musl: there are no copies
#endif

/// The one that the program links or loads, and that other code in it uses.
const Libjack own_libjack{
#define RILL_IO_FUNCTION(name) &::name,
#include "libjack_functions.def"
#undef RILL_IO_FUNCTION
};

Error no_copy(const char* why, int code = 0) {
    return Error::make(
        Errc::invalid_config, Backend::name, "open", code,
        "libjack can hold only one server at a time, and no copy of it can be loaded for this one "
        "(%s); close the clients of the other server first, or use another process",
        why);
}

/// A file in memory with the contents of another. It stays open: the dynamic linker knows libraries by their
/// names, and this one's name is its descriptor.
Result<int> copy_of(const char* path) {
    const int from = ::open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return no_copy(std::strerror(errno), errno);
    struct stat status{};
    const int to = ::memfd_create("libjack", MFD_CLOEXEC);
    bool good = to >= 0 && ::fstat(from, &status) == 0;
    for (off_t rest = status.st_size; good && rest > 0;) {
        const ssize_t sent = ::sendfile(to, from, nullptr, static_cast<std::size_t>(rest));
        good = sent > 0;
        rest -= sent;
    }
    const int code = errno;
    ::close(from);
    if (good)
        return to;
    if (to >= 0)
        ::close(to);
    return no_copy(std::strerror(code), code);
}

/// The program's libjack once more, with state of its own.
Result<Libjack> load_copy() {
    if (finds_itself_first == 0)
        return no_copy("this C library has no RTLD_DEEPBIND");
    // Their dlopen() ends the process at RTLD_DEEPBIND.
    for (const char* const sanitizer : {"__asan_init", "__tsan_init", "__msan_init", "__hwasan_init"})
        if (::dlsym(RTLD_DEFAULT, sanitizer) != nullptr)
            return no_copy("a sanitizer is at work");
    void* const own = ::dlopen(soname, RTLD_LAZY | RTLD_LOCAL); // which is there
    link_map* file = nullptr;
    if (own == nullptr || ::dlinfo(own, RTLD_DI_LINKMAP, &file) != 0)
        return no_copy(::dlerror());
    const auto copy = copy_of(file->l_name);
    if (!copy)
        return copy.error();
    char path[32];
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", *copy);
    void* const library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL | finds_itself_first | RTLD_NODELETE);
    if (library == nullptr) {
        ::close(*copy);
        return no_copy(::dlerror());
    }
    return Libjack{
#define RILL_IO_FUNCTION(name) reinterpret_cast<decltype(&::name)>(::dlsym(library, #name)),
#include "libjack_functions.def"
#undef RILL_IO_FUNCTION
    };
}

class Copies {
public:
    Copies() { copies_.emplace_back(own_libjack); }

    Result<const Libjack*> enter(const std::string& server) {
        const std::lock_guard lock(mutex_);
        Copy* found = nullptr;
        for (Copy& copy : copies_)
            if (copy.clients != 0 && copy.server == server && !copy.has_lost)
                found = &copy;
        for (Copy& copy : copies_)
            if (found == nullptr && copy.clients == 0)
                found = &copy;
        if (found == nullptr) {
            const auto loaded = load_copy();
            if (!loaded)
                return refusal(server, loaded.error());
            found = &copies_.emplace_back(*loaded);
            if (silent_)
                silence(*found);
        }
        if (found->clients == 0)
            found->has_lost = false;
        found->server = server;
        ++found->clients;
        return found;
    }

    /// No lock: the list only grows, and whoever has lost a client of this copy is still counted in it.
    static void lost(const Libjack* libjack) noexcept { static_cast<const Copy*>(libjack)->has_lost = true; }

    [[nodiscard]] const Libjack* own() const noexcept { return &copies_.front(); }

    const Libjack* enter_own() {
        const std::lock_guard lock(mutex_);
        Copy& own = copies_.front();
        own.server.reset();
        ++own.clients;
        return &own;
    }

    void leave(const Libjack* libjack) noexcept {
        const std::lock_guard lock(mutex_);
        for (Copy& copy : copies_)
            if (&copy == libjack)
                --copy.clients;
    }

    void silence() noexcept {
        const std::lock_guard lock(mutex_);
        silent_ = true;
        for (const Copy& copy : copies_)
            silence(copy);
    }

private:
    struct Copy : Libjack {
        explicit Copy(const Libjack& functions) noexcept : Libjack(functions) {}
        std::optional<std::string> server; ///< of all its clients; nothing: unknown, so nobody else joins
        int clients = 0;
        mutable std::atomic<bool> has_lost{false}; ///< some of them have no server any more: nobody joins
    };

    /// With the mutex held. Why there is no copy for a client of this server.
    [[nodiscard]] Error refusal(const std::string& server, const Error& no_copy) const {
        for (const Copy& copy : copies_)
            if (copy.server == server)
                return Error::make(Errc::no_server, Backend::name, "open", 0,
                                   "a client in this process that has lost the JACK server is still open; "
                                   "close it first");
        return no_copy;
    }

    static void silence(const Libjack& libjack) noexcept {
        libjack.jack_set_error_function([](const char*) {});
        libjack.jack_set_info_function([](const char*) {});
    }

    std::mutex mutex_;
    std::list<Copy> copies_;
    bool silent_ = false;
};

/// Never destroyed: a thread that was left behind may still close its client.
Copies& copies() {
    static auto& all = *new Copies;
    return all;
}

} // namespace

Result<const Libjack*> enter_libjack(const std::string& server) {
    return copies().enter(server);
}

const Libjack* enter_own_libjack() {
    return copies().enter_own();
}

void leave_libjack(const Libjack* libjack) noexcept {
    copies().leave(libjack);
}

void lost_client_of(const Libjack* libjack) noexcept {
    Copies::lost(libjack);
}

bool is_own_libjack(const Libjack* libjack) noexcept {
    return libjack == copies().own();
}

void silence_libjack() noexcept {
    copies().silence();
}

} // namespace rill::io::jack
