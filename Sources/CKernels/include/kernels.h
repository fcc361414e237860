// SPDX-License-Identifier: Apache-2.0
// Everything of this module that Swift sees. Images are NHWC with n = 1; "row" is a row of output pixels.
#pragma once
#include "instruction_sets.h"
#include "quantized.h"
#include "layers.h"
#include "float_convolution.h"
#include "processor.h"
