// A GPU as cuDNN wants it described where it has none to look at: a JSON text. Threads: pure function.
//
// Source: cuDNN 9.8 to 9.28, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION; the keys are those that it names when one is
// missing, with CUDNN_LOGERR_DBG=1.
#pragma once

#include <string>

#include "base/strong.h"
#include "device/gpu.h"

namespace unfrag::rehearsal {

/// `memory`: all that is presented of it.
std::string device_description(const device::Gpu& gpu, Bytes memory);

}  // namespace unfrag::rehearsal
