;;; fake-daemon.el --- What the tests share -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Commentary:

;; Starts fake_daemon.py, waits without sleeping blindly, and catches messages.

;;; Code:

(require 'cl-lib)
(require 'ert)
(require 'subr-x)
(require 'sluice)
(require 'sluice-chat)
(require 'sluice-send)
(require 'sluice-explain)
(require 'sluice-watch)

;; Code that is loaded as source sees the replaced `message' without a trampoline, which
;; would need an assembler.
(setq native-comp-enable-subr-trampolines nil
      backtrace-on-error-noninteractive nil)

(defconst fake-daemon-program
  (expand-file-name "fake_daemon.py"
                    (file-name-directory (or load-file-name buffer-file-name)))
  "The stand-in for the daemon.")

(defconst fake-daemon-python (or (getenv "SLUICE_TEST_PYTHON") "python3")
  "The Python that runs it.")

(defvar fake-daemon-process nil "The running stand-in.")
(defvar fake-daemon-directory nil "The directory of this test.")
(defvar fake-daemon-port nil "The stand-in's HTTP port on the loopback, as a string.")

(defmacro fake-daemon-until (form &optional seconds)
  "Let Emacs handle events until FORM is non-nil, and return its value.
Fail after SECONDS (default 15)."
  (declare (debug t))
  `(let ((limit (+ (float-time) ,(or seconds 15))) value)
     (while (and (not (setq value ,form)) (< (float-time) limit))
       (accept-process-output nil 0.01))
     (or value (ert-fail (list "still not true" ',form)))))

(defun fake-daemon-socket ()
  "Return the socket of this test."
  (expand-file-name "s" fake-daemon-directory))

(defun fake-daemon-start ()
  "Start the stand-in and wait until it listens."
  (let* ((said "")
         (process (make-process
                   :name "fake-daemon" :noquery t :connection-type 'pipe
                   :command (list fake-daemon-python fake-daemon-program
                                  "serve" "--socket" (fake-daemon-socket))
                   :filter (lambda (_ text) (setq said (concat said text)))
                   :sentinel #'ignore)))
    (setq fake-daemon-process process)
    (fake-daemon-until (string-match "ready \\([0-9]+\\)" said))
    (setq fake-daemon-port (match-string 1 said))))

(defun fake-daemon-kill ()
  "Kill the stand-in as kill -9 does, and wait until it is dead."
  (signal-process fake-daemon-process 'SIGKILL)
  (fake-daemon-until (not (process-live-p fake-daemon-process))))

(defun fake-daemon-stop ()
  "Have the stand-in hang: it is there, and does nothing, until `fake-daemon-continue'."
  (signal-process fake-daemon-process 'SIGSTOP))

(defun fake-daemon-continue ()
  "Have the stand-in go on."
  (signal-process fake-daemon-process 'SIGCONT))

(defun fake-daemon-call-with (start body)
  "Run BODY in fresh surroundings, with the stand-in running if START is non-nil."
  (let* ((fake-daemon-directory (make-temp-file "sluice-test" t))
         (process-environment
          (append (list (concat "SLUICE_STATE_DIR=" fake-daemon-directory) "SLUICE_SOCKET")
                  process-environment))
         (fake-daemon-process nil) (fake-daemon-port nil)
         (sluice-socket (fake-daemon-socket))
         (sluice-start-daemon nil)
         (sluice--connection nil) (sluice--greeting nil) (sluice--complained nil)
         (sluice--subscribed nil) (sluice--retry nil)
         (sluice--newest-failure nil)
         (sluice-watch--watchers nil) (sluice-connection-functions nil)
         (sluice-chat--live (make-hash-table)) (sluice-chat--clock nil)
         (sluice-key nil))
    (unwind-protect
        (progn (when start (fake-daemon-start))
               (funcall body))
      (sluice-disconnect)
      (when sluice-chat--clock (cancel-timer sluice-chat--clock))
      (when (process-live-p fake-daemon-process) (delete-process fake-daemon-process))
      (dolist (name '("*Sluice answer*" "*Sluice explain*" "*Sluice queue*" "*Sluice log*"
                      "*Sluice limits*" "*Sluice usage*" "*Sluice chat*" "*Sluice doctor*"
                      "*Sluice diff*" "*Sluice call*"))
        (when (get-buffer name) (kill-buffer name)))
      (delete-directory fake-daemon-directory t))))

(defmacro fake-daemon-with (&rest body)
  "Run BODY with the stand-in running."
  (declare (indent 0) (debug t))
  `(fake-daemon-call-with t (lambda () ,@body)))

(defmacro fake-daemon-without (&rest body)
  "Run BODY in the same surroundings, but without the stand-in."
  (declare (indent 0) (debug t))
  `(fake-daemon-call-with nil (lambda () ,@body)))

(defun fake-daemon-set (&rest lists)
  "Change what the stand-in lists to LISTS, a plist; :tell names a topic to tell."
  (sluice-ask "set" lists))

(defmacro fake-daemon-in-width (width &rest body)
  "Run BODY, after which the windows are as before, in windows that are WIDTH wide."
  (declare (indent 1) (debug t))
  `(cl-letf (((symbol-function 'window-body-width) (lambda (&rest _) ,width)))
     (save-window-excursion ,@body)))

(defun fake-daemon-room-of-last-column ()
  "Return how wide the last column of this list is in its window."
  (let ((columns (butlast (append tabulated-list-format nil))))
    (- (window-body-width) tabulated-list-padding
       (apply #'+ (mapcar (lambda (column) (1+ (nth 1 column))) columns)))))

(defmacro fake-daemon-messages (&rest body)
  "Run BODY and return the messages that it showed, oldest first."
  (declare (indent 0) (debug t))
  `(let ((shown nil))
     (fake-daemon-catching shown ,@body)
     (nreverse shown)))

(defmacro fake-daemon-catching (place &rest body)
  "Run BODY and return its value; push the messages that it shows onto PLACE."
  (declare (indent 1) (debug t))
  `(cl-letf (((symbol-function 'message)
              (lambda (format &rest args)
                (when format (push (apply #'format-message format args) ,place)))))
     ,@body))

(defun fake-daemon-note ()
  "Return the overlay with a note in this buffer."
  (cl-find-if (lambda (overlay) (overlay-get overlay 'after-string))
              (overlays-in (point-min) (1+ (point-max)))))

(defun fake-daemon-note-follows-p (typed)
  "Return non-nil if the cursor is before the note, which follows what is TYPED there."
  (let* ((note (fake-daemon-note)) (text (overlay-get note 'after-string)))
    (goto-char (overlay-start note))
    (insert typed)
    (and (get-text-property 0 'cursor text)
         (not (eq ?\n (aref text 0)))
         (= (point) (overlay-start note) (overlay-end note)))))

(defun fake-daemon-seen ()
  "Return what the stand-in has seen, a plist."
  (sluice-ask "seen"))

(provide 'fake-daemon)
;;; fake-daemon.el ends here
