// SPDX-License-Identifier: MIT

// An ALSA control without elements: RtAudio counts "default" among its devices only if it has a control.

#include <alsa/asoundlib.h>
#include <alsa/control_external.h>

namespace {

int no_elements(snd_ctl_ext_t*) {
    return 0;
}
int list_nothing(snd_ctl_ext_t*, unsigned, snd_ctl_elem_id_t*) {
    return -EINVAL;
}
snd_ctl_ext_key_t find_nothing(snd_ctl_ext_t*, const snd_ctl_elem_id_t*) {
    return SND_CTL_EXT_KEY_NOT_FOUND;
}

snd_ctl_ext_callback_t functions{};
snd_ctl_ext_t control{};

} // namespace

extern "C" {

SND_CTL_PLUGIN_DEFINE_FUNC(ready) {
    (void)root;
    (void)conf;
    functions.elem_count = &no_elements;
    functions.elem_list = &list_nothing;
    functions.find_elem = &find_nothing;
    control.version = SND_CTL_EXT_VERSION;
    control.poll_fd = -1;
    control.callback = &functions;
    if (const int status = snd_ctl_ext_create(&control, name, mode); status < 0)
        return status;
    *handlep = control.handle;
    return 0;
}

SND_CTL_PLUGIN_SYMBOL(ready)
}
