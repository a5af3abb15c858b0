#!/usr/bin/env python3
"""Makes demo/nhac.mp3: "Sáng ở Bản Chương", a short tune of our own in the five tones of the điệu Bắc
(hò xự xang xê cống, here G A C D E), for bamboo flute, zither, pizzicato bass, phách and drum.

Writes the MIDI bytes itself, lets FluidSynth play them and ffmpeg encode them:
    apt-get install fluidsynth fluid-soundfont-gm ffmpeg && python3 demo/make_music.py
"""
import os
import struct
import subprocess
import sys
import tempfile

SOUNDFONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"  # MIT licence
TICKS = 480  # a quarter note
TEMPO_BPM = 92
NOTES = {name: pitch for pitch, name in enumerate("C C# D D# E F F# G G# A A# B".split())}

# One line a bar: note and length in quarter notes; "-" is a rest, "~" slides into the note from below.
FLUTE = """
    - 4
    - 3 D5 .5 E5 .5
    ~G5 1 E5 .5 D5 .5 ~D5 1.5 C5 .5
    E5 1 D5 .5 C5 .5 ~D5 2
    G5 1 A5 .5 G5 .5 ~E5 1 D5 .5 E5 .5
    D5 .5 C5 .5 ~A4 1 G4 2
    C5 .75 D5 .25 ~E5 1 G5 1.5 E5 .5
    ~A5 1 G5 .5 E5 .5 G5 2
    E5 .5 G5 .5 E5 .5 D5 .5 ~C5 1 A4 .5 C5 .5
    D5 .5 C5 .5 ~A4 .5 C5 .5 ~G4 2
"""
# The zither goes along in its own way, as instruments of a village band do.
ZITHER = """
    G3 .5 D4 .5 G4 .5 A4 .5 C5 .5 D5 .5 ~E5 .5 D5 .5
    C5 .5 A4 .5 G4 .5 E4 .5 ~D4 1 G3 1
    G3 .5 D4 .5 G4 .5 D5 .5 A3 .5 E4 .5 A4 .5 C5 .5
    C4 .5 G4 .5 C5 .5 E5 .5 ~D5 .5 A4 .5 G4 .5 D4 .5
    C4 .5 G4 .5 E5 .5 G5 .5 C4 .5 G4 .5 ~C5 .5 E5 .5
    D4 .5 A4 .5 D5 .5 C5 .5 ~G4 .5 D4 .5 G3 1
    C4 .5 E4 .5 G4 .5 C5 .5 ~E5 .5 D5 .5 C5 .5 G4 .5
    A3 .5 E4 .5 A4 .5 C5 .5 ~G4 .5 D5 .5 G5 .5 D5 .5
    C4 .5 G4 .5 C5 .5 G4 .5 A3 .5 E4 .5 A4 .5 E4 .5
    D4 .5 A4 .5 C5 .5 A4 .5 G3 .25 D4 .25 G4 .25 A4 .25 ~G5 1
"""
BASS = "G2 2 D3 2|C3 2 G2 2|G2 2 A2 2|C3 2 D3 2|C3 2 C3 2|D3 2 G2 2|C3 2 E3 2|A2 2 G2 2|C3 2 A2 2|D3 2 G2 2"
BARS = 10
WOODBLOCK, LOW_TOM, BELL_TREE = 76, 45, 80


def quantity(value):
    """A MIDI variable-length number."""
    out = bytes([value & 0x7F])
    while value := value >> 7:
        out = bytes([value & 0x7F | 0x80]) + out
    return out


def pitch_of(name):
    return NOTES[name[:-1]] + 12 * (int(name[-1]) + 1)


def melody(text, channel, velocity, legato):
    """(tick, message) pairs of one voice."""
    words = text.replace("|", " ").split()
    tick, events = 0, []
    for index, (name, length) in enumerate(zip(words[::2], words[1::2])):
        ticks = round(float(length) * TICKS)
        if name != "-":
            if name.startswith("~"):
                # From a whole tone below, in an eighth of a beat: the left hand presses the string.
                for step in range(9):
                    bend = 8192 - 8191 * (8 - step) // 8
                    events.append((tick + step * TICKS // 64, bytes([0xE0 | channel, bend & 0x7F, bend >> 7])))
            pitch = pitch_of(name.lstrip("~"))
            strong = velocity + (8 if tick % (2 * TICKS) == 0 else 0) - 3 * (index % 3)
            events.append((tick, bytes([0x90 | channel, pitch, strong])))
            events.append((tick + round(ticks * legato), bytes([0x80 | channel, pitch, 0])))
        tick += ticks
    return events


def drums():
    events = []
    for bar in range(BARS):
        beats = [(0, LOW_TOM, 62), (2, LOW_TOM, 46)] if bar % 2 == 0 else [(0, LOW_TOM, 54)]
        beats += [(beat, WOODBLOCK, 52) for beat in (1, 2.5, 3)]
        if bar in (0, 2, 6):
            beats.append((0, BELL_TREE, 60))
        for beat, key, velocity in beats:
            tick = bar * 4 * TICKS + round(beat * TICKS)
            events += [(tick, bytes([0x99, key, velocity])), (tick + 120, bytes([0x89, key, 0]))]
    return events


def setup(channel, program, volume, pan, reverb):
    controls = [(7, volume), (10, pan), (91, reverb)]
    return [(0, bytes([0xC0 | channel, program]))] + [(0, bytes([0xB0 | channel, c, v])) for c, v in controls]


def track(events):
    body, last = b"", 0
    # Releases and bends come before strikes on the same tick.
    for tick, message in sorted(events, key=lambda event: (event[0], event[1][0] >> 4 == 9)):
        body += quantity(tick - last) + message
        last = tick
    body += quantity(TICKS) + b"\xff\x2f\x00"
    return b"MTrk" + struct.pack(">I", len(body)) + body


def midi():
    tempo = (0, b"\xff\x51\x03" + struct.pack(">I", 60_000_000 // TEMPO_BPM)[1:])
    tracks = [
        [tempo],
        setup(0, 73, 104, 58, 60) + melody(FLUTE, 0, 84, 0.97),
        setup(1, 107, 96, 74, 50) + melody(ZITHER, 1, 78, 0.98),
        setup(2, 45, 92, 64, 40) + melody(BASS, 2, 74, 0.9),
        setup(9, 0, 84, 50, 50) + drums(),
    ]
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), TICKS) + b"".join(map(track, tracks))


def main():
    out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nhac.mp3")
    with tempfile.TemporaryDirectory() as folder:
        notes, wav = os.path.join(folder, "nhac.mid"), os.path.join(folder, "nhac.wav")
        with open(notes, "wb") as file:
            file.write(midi())
        subprocess.run(["fluidsynth", "-ni", "-g", "0.9", "-r", "44100", "-F", wav, SOUNDFONT, notes], check=True)
        level = "loudnorm=I=-18:TP=-1.5:LRA=9,aresample=44100,afade=t=out:st=27.2:d=1.6,atrim=end=28.8"
        tags = ["-metadata", "title=Sáng ở Bản Chương", "-metadata", "comment=CC0"]
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-i", wav, "-af", level, "-c:a", "libmp3lame", "-b:a", "80k", *tags, out],
            check=True,
        )
    print(f"{out}: {os.path.getsize(out)} bytes")


if __name__ == "__main__":
    sys.exit(main())
