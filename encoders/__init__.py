"""Texts, pictures and clips to vectors.

Importing this package is cheap: every heavy library is imported by the function that needs it.
"""

from encoders.base import Classes, EncoderError, Encoding, FloatArray, ImageEncoder, MediaError, TextEncoder
from encoders.class_files import class_scenes
from encoders.cleaning import clean_text
from encoders.image_files import read_frames, read_image
from encoders.image_opening import IMAGE_SUFFIXES
from encoders.references import load_image_encoder, load_text_encoder
from encoders.streams import encode_images, encode_texts
from encoders.video import VIDEO_VERSION, encode_videos, find_shots, sample_frame, video_fingerprint
from encoders.video_frames import VIDEO_SUFFIXES

__all__ = [
    "IMAGE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "VIDEO_VERSION",
    "Classes",
    "EncoderError",
    "Encoding",
    "FloatArray",
    "ImageEncoder",
    "MediaError",
    "TextEncoder",
    "class_scenes",
    "clean_text",
    "encode_images",
    "encode_texts",
    "encode_videos",
    "find_shots",
    "load_image_encoder",
    "load_text_encoder",
    "read_frames",
    "read_image",
    "sample_frame",
    "video_fingerprint",
]
