;;; sluice-limits.el --- The limits, and what is used of them -*- lexical-binding: t; -*-

;; Copyright (C) 2026 The Sluice authors

;; Author: The Sluice authors <https://github.com/sluice-llm/sluice>
;; URL: https://github.com/sluice-llm/sluice
;; Keywords: comm
;; SPDX-License-Identifier: GPL-3.0-or-later

;; This file is not part of GNU Emacs.

;; This program is free software; you can redistribute it and/or modify
;; it under the terms of the GNU General Public License as published by
;; the Free Software Foundation, either version 3 of the License, or
;; (at your option) any later version.

;; This program is distributed in the hope that it will be useful,
;; but WITHOUT ANY WARRANTY; without even the implied warranty of
;; MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
;; GNU General Public License for more details.

;; You should have received a copy of the GNU General Public License
;; along with this program.  If not, see <https://www.gnu.org/licenses/>.


;;; Commentary:

;; `sluice-limits' shows what the daemon knows of each limit: how much of it is used,
;; by us and by others with the same key, and how the daemon knows it.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'sluice)
(require 'sluice-dashboard)

(declare-function svg-create "svg")
(declare-function svg-rectangle "svg")
(declare-function svg-image "svg")

(defface sluice-limit-free '((t :inherit success))
  "Face of a limit of which much is left."
  :group 'sluice)

(defface sluice-limit-short '((t :inherit warning))
  "Face of a limit of which little is left."
  :group 'sluice)

(defface sluice-limit-full '((t :inherit error))
  "Face of a limit that is used up."
  :group 'sluice)

(defconst sluice-limits--width 12
  "Width of a bar in characters.")

(defvar sluice-limits-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map sluice-dashboard-mode-map)
    (define-key map (kbd "RET") #'sluice-limits-say)
    map)
  "Keys in the list of limits.")

(define-derived-mode sluice-limits-mode sluice-dashboard-mode "Sluice limits"
  "What is used of each limit.
A line is one limit.  The first line of a key and model has their names, and
says in words how they stand.
\\<sluice-limits-mode-map>\\[sluice-limits-say] says it in full."
  (sluice-dashboard-speak #'sluice-limits--words-of-list)
  (setq sluice-dashboard--operation '("limits" :pools)
        sluice-dashboard--topics '("limits")
        sluice-dashboard--spread #'sluice-limits--spread
        sluice-dashboard--line #'sluice-limits--line))

(defun sluice-limits--words-of-list ()
  "Have this list say its words in the language of the person."
  (setq sluice-dashboard--nothing
        (sluice-gettext "No limit is known yet: the first call brings them."))
  (sluice-dashboard-columns
   (sluice-dashboard-column (sluice-gettext "Host") 17 nil :least 12)
   (sluice-dashboard-column (sluice-gettext "Model") 14 nil :least 10)
   (sluice-dashboard-column (sluice-gettext "Limit") 20 nil :least 13)
   (list "" sluice-limits--width nil :drop 2)
   (sluice-dashboard-column (sluice-gettext "Used") 15 nil :right-align t :least 11)
   (sluice-dashboard-column (sluice-gettext "Others") 6 nil :right-align t :drop 3)
   (sluice-dashboard-column (sluice-gettext "From") 6 nil :drop 1)
   (sluice-dashboard-column (sluice-gettext "State") 0 nil :least 15)))

;;;###autoload
(defun sluice-limits ()
  "Show the limits of each key and model, and what is used of them."
  (interactive)
  (sluice-dashboard-show "*Sluice limits*" 'sluice-limits-mode))

(defun sluice-limits--spread (pools)
  "Return POOLS with a row for each limit; the first row of a pool has its :pool."
  (mapcan (lambda (pool)
            (let ((key (list (plist-get pool :host) (plist-get pool :group)
                             (plist-get pool :key)))
                  (dims (or (plist-get pool :dims) (list nil))))
              (cl-loop for dim in dims
                       for n from 0
                       collect (list :id (append key (list n)) :dim dim
                                     :pool (and (= n 0) pool)))))
          pools))

(defun sluice-limits--line (row _now)
  "Return the entry of ROW, a limit."
  (let* ((dim (plist-get row :dim)) (pool (plist-get row :pool))
         (used (plist-get dim :used)) (limit (plist-get dim :limit))
         (others (or (plist-get dim :used_by_others) 0)))
    (list (plist-get row :id)
          (vector (or (plist-get pool :host) "")
                  (or (plist-get pool :group) "")
                  (cond ((null dim) (sluice-gettext "none known"))
                        ((plist-get dim :period)
                         (format "%s/%s" (sluice-limits--word (plist-get dim :dimension))
                                 (sluice-limits--word (plist-get dim :period))))
                        (t (sluice-limits--word (plist-get dim :dimension))))
                  (if (and used limit) (sluice-limits-bar used limit) "")
                  (cond ((null used) "")
                        (limit (format "%s / %s" (sluice-limits--number used)
                                       (sluice-limits--number limit)))
                        (t (sluice-limits--number used)))
                  (if (> others 0) (sluice-limits--number others) "")
                  (sluice-limits--word (plist-get dim :source))
                  (or (plist-get pool :words) "")))))

(defun sluice-limits--word (name)
  "Return NAME, a dimension, a period or a source of the daemon's, as a word."
  (pcase name
    ("requests" (sluice-gettext "requests"))
    ("tokens" (sluice-gettext "tokens"))
    ("input_tokens" (sluice-gettext "input tokens"))
    ("output_tokens" (sluice-gettext "output tokens"))
    ("images" (sluice-gettext "images"))
    ("audio_seconds" (sluice-gettext "audio seconds"))
    ("concurrency" (sluice-gettext "at a time"))
    ("second" (sluice-gettext "second"))
    ("minute" (sluice-gettext "minute"))
    ("hour" (sluice-gettext "hour"))
    ("day" (sluice-gettext "day"))
    ("week" (sluice-gettext "week"))
    ("month" (sluice-gettext "month"))
    ("header" (sluice-gettext "header"))
    ("config" (sluice-gettext "config"))
    ("guess" (sluice-gettext "guess"))
    (_ (string-replace "_" " " (or name "")))))

(defun sluice-limits--number (number)
  "Return NUMBER in a few characters: 950, 9,500, 95k or 9.5M."
  (let ((n (round number)))
    (cond ((< n 1000) (number-to-string n))
          ((< n 10000) (format "%d,%03d" (/ n 1000) (% n 1000)))
          ((< n 1000000) (format "%dk" (round n 1000)))
          (t (format "%.1fM" (/ n 1e6))))))

(defun sluice-limits-say ()
  "Say in full how the key and model of this line stand."
  (interactive)
  (let* ((key (butlast (or (tabulated-list-get-id)
                           (user-error "%s" (sluice-gettext "There is no limit on this line")))))
         (row (cl-find (append key '(0)) sluice-dashboard--rows :test #'equal
                       :key (lambda (row) (plist-get row :id)))))
    (message "%s" (plist-get (plist-get row :pool) :words))))

;;;; Bars

(defun sluice-limits--face (share)
  "Return the face for a limit of which SHARE, 0 to 1, is used."
  (cond ((>= share 0.99) 'sluice-limit-full)
        ((>= share 0.8) 'sluice-limit-short)
        (t 'sluice-limit-free)))

(defun sluice-limits-blocks (count &optional empty)
  "Return COUNT blocks of a bar, which are full unless EMPTY is non-nil.
Each is one column wide."
  ;; In Chinese and Korean locales Emacs takes blocks for wide: the bar would be cut off.
  (make-string count (if (= 1 (char-width ?█) (char-width ?░))
                         (if empty ?░ ?█)
                       (if empty ?- ?#))))

(defun sluice-limits-bar (used limit)
  "Return a bar for USED of LIMIT.
On a graphical frame it is an image, on a terminal it is text."
  (let* ((share (if (> limit 0) (min 1.0 (max 0.0 (/ (float used) limit))) 1.0))
         (full (round (* share sluice-limits--width)))
         (face (sluice-limits--face share))
         (text (concat (propertize (sluice-limits-blocks full) 'face face)
                       (propertize (sluice-limits-blocks (- sluice-limits--width full) t)
                                   'face 'shadow))))
    (if (sluice-limits--svg-p)
        (propertize text 'display (sluice-limits--image share face))
      text)))

(defun sluice-limits--svg-p ()
  "Return non-nil if bars can be drawn in the selected frame."
  (and (display-images-p)
       (image-type-available-p 'svg)
       (require 'svg nil t)))

(defun sluice-limits--image (share face)
  "Return an image of a bar of which SHARE is filled in the color of FACE."
  (let* ((width (* sluice-limits--width (frame-char-width)))
         (height (max 6 (- (frame-char-height) 6)))
         (svg (svg-create width height)))
    (svg-rectangle svg 0.5 0.5 (1- width) (1- height) :rx 3 :fill "none"
                   :stroke (sluice-limits--color 'shadow))
    (when (> share 0)
      (svg-rectangle svg 0.5 0.5 (* share (1- width)) (1- height) :rx 3
                     :fill (sluice-limits--color face)))
    (svg-image svg :ascent 'center)))

(defun sluice-limits--color (face)
  "Return the color of FACE as an svg knows it."
  (let ((color (color-values (face-foreground face nil 'default))))
    (if color
        (apply #'format "#%02x%02x%02x" (mapcar (lambda (part) (/ part 256)) color))
      "gray")))

(provide 'sluice-limits)
;;; sluice-limits.el ends here
