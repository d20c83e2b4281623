;;; wire.el --- An Emacs that does what a test tells it -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Commentary:

;; The test listens on the Unix socket WIRE_SOCKET.  Over it comes one form a line, as a
;; JSON object; back goes one line with its value or its error.  Between the forms Emacs
;; handles its events, as it does between the keys of a person.

;;; Code:

(require 'cl-lib)
(require 'subr-x)

;; The package is loaded as source, so it sees a replaced `message' without a trampoline,
;; which would need an assembler.
(setq native-comp-enable-subr-trampolines nil
      backtrace-on-error-noninteractive nil)

(defvar wire--partial "" "The beginning of a line of which the rest has not come.")
(defvar wire--forms nil "Forms that have come and are not yet evaluated, oldest first.")
(defvar wire--said nil "What was shown in the echo area, newest first.")

(defun wire--hear (_process text)
  "Queue the forms in TEXT."
  (let ((lines (split-string (concat wire--partial text) "\n")))
    (setq wire--partial (car (last lines))
          wire--forms (append wire--forms (butlast lines)))))

(defun wire--plain (value)
  "Return VALUE as `json-serialize' takes it: a list is an array, a plist an object."
  (cond ((null value) :null)
        ((memq value '(t :null :false)) value)
        ((symbolp value) (symbol-name value))
        ((stringp value) (substring-no-properties value))
        ((keywordp (car-safe value))
         (cl-loop for (key item) on value by #'cddr append (list key (wire--plain item))))
        ((sequencep value) (cl-map 'vector #'wire--plain value))
        (t value)))

(defun wire--evaluate (line)
  "Return the answer to LINE: the value of its form, or its error."
  (condition-case err
      (list :value (wire--plain (eval (car (read-from-string
                                            (gethash "form" (json-parse-string line))))
                                      t)))
    ((error quit) (list :error (format "%s; said: %S" (error-message-string err)
                                       (reverse wire--said))))))

(defun wire--serve (socket)
  "Evaluate what comes over SOCKET until its other end is closed."
  (let ((process (make-network-process :name "wire" :family 'local :service socket
                                       :coding 'utf-8-unix :noquery t :filter #'wire--hear)))
    (while (process-live-p process)
      (if (not wire--forms)
          (accept-process-output nil 0.05)
        (process-send-string
         process (concat (decode-coding-string
                          (json-serialize (wire--evaluate (pop wire--forms))) 'utf-8)
                         "\n"))))))

(defmacro wire-until (form &optional seconds)
  "Handle events until FORM is non-nil and return its value.
It is an error if that takes more than SECONDS (default 20)."
  `(let ((limit (+ (float-time) ,(or seconds 20))) value)
     (while (not (or (setq value ,form) (> (float-time) limit)))
       (accept-process-output nil 0.01))
     (or value (error "Still not true: %S" ',form))))

(advice-add 'message :before
            (lambda (format &rest args)
              (when format (push (apply #'format-message format args) wire--said)))
            '((name . wire)))

(defun wire-said ()
  "Return what was shown in the echo area, oldest first, and forget it."
  (prog1 (reverse wire--said) (setq wire--said nil)))

(defun wire-told (regexp)
  "Return the newest shown message that matches REGEXP, or nil."
  (cl-find-if (lambda (text) (string-match-p regexp text)) wire--said))

(defun wire-text (buffer)
  "Return the text of BUFFER, or nil if there is none."
  (when (get-buffer buffer)
    (with-current-buffer buffer (buffer-substring-no-properties (point-min) (point-max)))))

(wire--serve (getenv "WIRE_SOCKET"))
;;; wire.el ends here
